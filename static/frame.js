// The frame's part in the browser, begun before the first page is drawn: what is on a page can be pressed at once.
{
  // Shows the keys where a question mark is pressed that is not typed into a field.
  document.addEventListener('keydown', (pressed) => {
    const field = pressed.target.closest?.('input, textarea, [contenteditable=true], [role=combobox], [role=dialog]')
    if (pressed.key === '?' && !field) document.querySelector('.st-key-keys button')?.click()
  })

  // Makes one press one step of Back: what a page then adds to its address by itself takes the place of what was there.
  let isPressed = false
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { isPressed = true }, true)
  const push = history.pushState
  history.pushState = (...told) => {
    const kept = isPressed ? push : history.replaceState
    isPressed = false
    kept.apply(history, told)
  }

  // Opens a link to a page of the console where it stands, as the menu does: in a tab of its own all would be loaded anew.
  // Whoever wants that tab presses Ctrl as well.
  document.addEventListener('click', (pressed) => {
    const link = pressed.target.closest?.('[data-testid=stMarkdownContainer] a[href^="/"]:not([href="/"], [href^="/login"])')
    if (!link || pressed.ctrlKey || pressed.metaKey || pressed.shiftKey) return
    pressed.preventDefault()
    isPressed = true
    history.pushState(null, '', link.href)
    dispatchEvent(new PopStateEvent('popstate'))
  })

  // Chooses the first cell of a table by an arrow key where none is chosen yet: arrow keys go on from the one that is.
  document.addEventListener('keydown', (pressed) => {
    const table = pressed.target.closest?.('[data-testid=data-grid-canvas]')
    if (!table || !pressed.key.startsWith('Arrow') || table.querySelector('td[aria-selected=true]')) return
    pressed.stopPropagation()
    pressed.preventDefault()
    table.querySelector('td')?.focus()
  }, true)

  // Opens a page again that Streamlit's own script took away: on a slow machine what it is told of a page it has just left
  // can be too late for it. All that a page shows is in its address and at the server.
  const pause = 10_000 // milliseconds between two times
  const openAgain = () => {
    if (document.querySelector('[data-testid=stApp]')) return
    sessionStorage.setItem('openedAgain', Date.now())
    location.reload()
  }
  window.addEventListener('error', () => {
    const since = Date.now() - Number(sessionStorage.getItem('openedAgain'))
    setTimeout(openAgain, Math.max(500, pause - since))
  })
}
