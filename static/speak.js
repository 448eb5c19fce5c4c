// Tells the browser which language a page speaks, and says in it what Streamlit itself writes in English.
{
  // Where Streamlit writes words of its own, and which names it gives. What others wrote stands in options and cells.
  const OWN = [
    'stMainMenuPopover', 'stSkipToContent', 'InputInstructions', 'stDateInputQuickSelect', 'stFileUploaderDropzone',
    'stDataFrameColumnMenu', 'stTooltipContent', 'stStatusWidget',
  ].map((id) => `[data-testid=${id}]`).concat('[role=listbox][data-empty]').join()
  const NAMES = ['aria-label', 'title', 'placeholder']
  const NAMED = NAMES.map((name) => `[${name}]`).join()

  let words = {} // what Streamlit writes -> what this language says
  const written = new Map() // what some language said -> what Streamlit writes
  const said = (text) => {
    const own = written.get(text) ?? text
    return words[own] ?? own
  }
  const translateText = (node) => {
    const text = said(node.nodeValue)
    if (text !== node.nodeValue) node.nodeValue = text
  }
  const translateNames = (element) => {
    if (element.closest('td')) return
    for (const name of NAMES) {
      const text = element.getAttribute(name)
      if (text && said(text) !== text) element.setAttribute(name, said(text))
    }
  }
  const translate = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement?.closest(OWN)) translateText(node)
      return
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return
    for (const one of [node, ...node.querySelectorAll(NAMED)]) translateNames(one)
    for (const own of node.closest(OWN) ? [node] : node.querySelectorAll(OWN)) {
      const texts = document.createTreeWalker(own, NodeFilter.SHOW_TEXT)
      while (texts.nextNode()) translateText(texts.currentNode)
    }
  }

  let spoken
  const speak = () => {
    const told = [...document.querySelectorAll('i[data-language]')].at(-1)
    if (!told || told === spoken) return
    spoken = told
    const { language, kept, chosen, texts } = told.dataset
    document.documentElement.lang = language
    if (chosen) document.cookie = `${kept}=${language}; path=/; max-age=31536000; SameSite=Lax` // for a year
    words = JSON.parse(texts)
    for (const [own, text] of Object.entries(words)) written.set(text, own)
    translate(document.body)
  }
  new MutationObserver((changes) => {
    speak()
    for (const { type, target, addedNodes } of changes) {
      if (type === 'childList') addedNodes.forEach(translate)
      else if (type === 'attributes') translateNames(target)
      else translate(target)
    }
  }).observe(document.body, {
    attributeFilter: NAMES, characterData: true, childList: true, subtree: true,
  })
}
