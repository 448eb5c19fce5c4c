// Sets the language of the document, translates the texts that Streamlit itself writes in English, and removes the
// escapes of Markdown from accessible names: Streamlit uses the source of a label as the name of its control.
{
  // Elements with texts of Streamlit. Texts of the console and of records are in other elements, options and cells.
  const STREAMLIT = [
    'stMainMenuPopover', 'stSkipToContent', 'InputInstructions', 'stDateInputQuickSelect', 'stFileUploaderDropzone',
    'stDataFrameColumnMenu', 'stTooltipContent', 'stStatusWidget',
  ].map((id) => `[data-testid=${id}]`).concat('[role=listbox][data-empty]').join()
  const ATTRIBUTES = ['aria-label', 'title', 'placeholder']
  const WITH_ATTRIBUTES = ATTRIBUTES.map((name) => `[${name}]`).join()

  let translations = {} // English text of Streamlit -> text of this language
  const originals = new Map() // text of any language -> English text of Streamlit
  const translated = (text) => {
    const original = originals.get(text) ?? text
    return translations[original] ?? original
  }
  const translateText = (node) => {
    const text = translated(node.nodeValue)
    if (text !== node.nodeValue) node.nodeValue = text
  }
  // Replaces what `plain` writes for a sign, such as `&#91;` and `:color[&#64;]`, with the sign.
  const withoutEscapes = (label) => label
    .replace(/:color\[((?:&#\d{1,3};)+)\]/g, '$1')
    .replace(/&#(\d{1,3});/g, (_, code) => String.fromCodePoint(code))
  const translateAttributes = (element) => {
    if (element.closest('td')) return
    for (const name of ATTRIBUTES) {
      const text = element.getAttribute(name)
      if (!text) continue
      const shown = translated(name === 'aria-label' ? withoutEscapes(text) : text)
      if (shown !== text) element.setAttribute(name, shown)
    }
  }
  const translate = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement?.closest(STREAMLIT)) translateText(node)
      return
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return
    for (const element of [node, ...node.querySelectorAll(WITH_ATTRIBUTES)]) translateAttributes(element)
    for (const element of node.closest(STREAMLIT) ? [node] : node.querySelectorAll(STREAMLIT)) {
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
      while (texts.nextNode()) translateText(texts.currentNode)
    }
  }

  let currentMark
  const readLanguage = () => {
    const mark = [...document.querySelectorAll('i[data-language]')].at(-1)
    if (!mark || mark === currentMark) return
    currentMark = mark
    const { language, cookie, chosen, texts } = mark.dataset
    document.documentElement.lang = language
    if (chosen) document.cookie = `${cookie}=${language}; path=/; max-age=31536000; SameSite=Lax` // for a year
    translations = JSON.parse(texts)
    for (const [original, text] of Object.entries(translations)) originals.set(text, original)
    translate(document.body)
  }
  new MutationObserver((changes) => {
    readLanguage()
    for (const { type, target, addedNodes } of changes) {
      if (type === 'childList') addedNodes.forEach(translate)
      else if (type === 'attributes') translateAttributes(target)
      else translate(target)
    }
  }).observe(document.body, {
    attributeFilter: ATTRIBUTES, characterData: true, childList: true, subtree: true,
  })
}
