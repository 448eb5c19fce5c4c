// Colours a question in SQL while it is typed: the same text lies over the field, in colours, whose own letters are clear.
if (!globalThis.coloursSql) {
  globalThis.coloursSql = true
  const words = `all and any as asc between by case cast cross delete desc describe distinct else end except exclude
    exists false filter from full group having ilike in inner intersect interval is join lateral left like limit not null
    nulls offset on or order outer over partition pivot qualify replace right sample select semi show similar summarize
    table then true union unnest using values when where window with`.split(/\s+/)
  const token = new RegExp([
    '(?<comment>--.*|/\\*[^]*?(?:\\*/|$))',
    "(?<string>'(?:[^']|'')*(?:'|$))",
    '(?<name>"(?:[^"]|"")*(?:"|$))',
    '(?<number>\\b\\d+(?:\\.\\d+)?\\b)',
    `(?<keyword>\\b(?:${words.join('|')})\\b)`,
    '(?<function>\\b\\w+(?=\\())',
    '(?<operator>[-+*/%<>=!|:]+)',
  ].join('|'), 'gi')

  const coloured = (text) => {
    const parts = []
    let at = 0
    for (const found of text.matchAll(token)) {
      const [kind] = Object.entries(found.groups).find(([, value]) => value !== undefined)
      const part = document.createElement('span')
      part.className = `token ${kind}`
      part.textContent = found[0]
      parts.push(text.slice(at, found.index), part)
      at = found.index + found[0].length
    }
    return [...parts, text.slice(at), '\n'] // an empty last line has its height
  }

  let field, over, told
  const place = () => {
    if (!field) return // its page was left
    over.style.width = `${field.clientWidth}px` // a bar to scroll by takes away from it
    over.scrollTop = field.scrollTop
  }
  const paint = () => {
    const there = document.querySelector('.st-key-sql textarea')
    if (there !== field) {
      [field, told] = [there, undefined]
      if (!field) return
      over = document.createElement('pre')
      over.ariaHidden = 'true'
      over.className = 'sql-over'
      over.style.padding = getComputedStyle(field).padding
      field.after(over)
      field.addEventListener('scroll', place)
      new ResizeObserver(place).observe(field)
    }
    if (!field || told === field.value) return
    told = field.value
    over.replaceChildren(...coloured(field.value))
    place()
  }
  document.addEventListener('input', paint)
  new MutationObserver(paint).observe(document.body, { childList: true, subtree: true })
  paint()
}
