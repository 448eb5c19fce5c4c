// Colours an SQL query while it is typed: a coloured copy lies over the field, whose own letters are transparent.
if (!globalThis.coloursSql) {
  globalThis.coloursSql = true
  const keywords = `all and any as asc between by case cast cross delete desc describe distinct else end except exclude
    exists false filter from full group having ilike in inner intersect interval is join lateral left like limit not null
    nulls offset on or order outer over partition pivot qualify replace right sample select semi show similar summarize
    table then true union unnest using values when where window with`.split(/\s+/)
  const token = new RegExp([
    '(?<comment>--.*|/\\*[^]*?(?:\\*/|$))',
    "(?<string>'(?:[^']|'')*(?:'|$))",
    '(?<name>"(?:[^"]|"")*(?:"|$))',
    '(?<number>\\b\\d+(?:\\.\\d+)?\\b)',
    `(?<keyword>\\b(?:${keywords.join('|')})\\b)`,
    '(?<function>\\b\\w+(?=\\())',
    '(?<operator>[-+*/%<>=!|:]+)',
  ].join('|'), 'gi')

  const coloured = (text) => {
    const parts = []
    let end = 0
    for (const match of text.matchAll(token)) {
      const [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined)
      const part = document.createElement('span')
      part.className = `token ${kind}`
      part.textContent = match[0]
      parts.push(text.slice(end, match.index), part)
      end = match.index + match[0].length
    }
    return [...parts, text.slice(end), '\n'] // an empty last line has its height
  }

  let field, copy, copiedText
  const alignCopy = () => {
    if (!field) return // the page was left
    copy.style.width = `${field.clientWidth}px` // without the scroll bar
    copy.scrollTop = field.scrollTop
  }
  const paint = () => {
    const current = document.querySelector('.st-key-sql textarea')
    if (current !== field) {
      [field, copiedText] = [current, undefined]
      if (!field) return
      copy = document.createElement('pre')
      copy.ariaHidden = 'true'
      copy.className = 'sql-highlight'
      copy.style.padding = getComputedStyle(field).padding
      field.after(copy)
      field.addEventListener('scroll', alignCopy)
      new ResizeObserver(alignCopy).observe(field)
    }
    if (!field || copiedText === field.value) return
    copiedText = field.value
    copy.replaceChildren(...coloured(field.value))
    alignCopy()
  }
  document.addEventListener('input', paint)
  new MutationObserver(paint).observe(document.body, { childList: true, subtree: true })
  paint()
}
