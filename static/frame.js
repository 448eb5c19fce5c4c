// The frame's part in the browser, begun before the first page is drawn: what is on a page can be pressed at once.
{
  // Shows the keys where a question mark is pressed that is not typed into a field.
  document.addEventListener('keydown', (pressed) => {
    const field = pressed.target.closest?.('input, textarea, [contenteditable=true], [role=combobox], [role=dialog]')
    if (pressed.key === '?' && !field) document.querySelector('.st-key-keys button')?.click()
  })

  // Opens the search in the browser at once. Until the server has drawn the dialog, a field of our own takes every key, so
  // that no letter is lost and none is a shortcut of the page behind; the field of the dialog then gets what was typed.
  const searchButton = () => document.querySelector('.st-key-open_search button')
  const searchField = () => document.querySelector('[role=dialog] .st-key-sought input')
  const opening = 20_000 // milliseconds, after which nothing is expected from the server
  let early = null // the field of our own while the dialog is on its way
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set
  const isTyped = (pressed) => pressed.key.length === 1 && !pressed.ctrlKey && !pressed.metaKey && !pressed.altKey
  // Puts what was typed into the field, and again where Streamlit draws the field anew within a second.
  const keepTyped = (value, begin, end) => {
    const put = () => {
      const field = searchField()
      if (!field || field.value === value) return
      setValue.call(field, value)
      field.dispatchEvent(new Event('input', { bubbles: true }))
      if (document.activeElement !== field) field.focus()
    }
    const hear = (typed) => {
      if (typed.isTrusted && typed.target === searchField()) value = typed.target.value
    }
    const takeKey = (pressed) => {
      if (pressed.key === 'Escape') return stop()
      if (!isTyped(pressed) || document.activeElement === searchField()) return
      pressed.preventDefault()
      pressed.stopImmediatePropagation()
      value += pressed.key
      put()
    }
    const again = setInterval(put, 50)
    const stop = () => {
      clearInterval(again)
      removeEventListener('input', hear, true)
      removeEventListener('keydown', takeKey, true)
    }
    addEventListener('input', hear, true)
    addEventListener('keydown', takeKey, true)
    setTimeout(stop, 1000)
    put()
    searchField().setSelectionRange(begin, end)
  }
  const openSearch = () => {
    if (early || searchField()) return (early ?? searchField()).focus()
    early = Object.assign(document.createElement('input'), { className: 'search-early', autocomplete: 'off' })
    const button = searchButton()
    early.setAttribute('aria-label', button?.textContent ?? 'Ctrl+K')
    let isPressedFor = false, isLeft = false
    const place = () => { // inside a dialog that is open, which would take the cursor back from a field outside
      const host = document.querySelector('[role=dialog]') ?? document.body
      if (early.parentNode !== host) host.append(early)
      if (document.activeElement !== early && !early.hidden) early.focus()
    }
    const end = () => {
      observer.disconnect()
      removeEventListener('keydown', takeKey, true)
      clearTimeout(timer)
      early.remove()
      early = null
    }
    const handOver = () => {
      if (!isPressedFor && searchButton()) {
        isPressedFor = true
        searchButton().click()
      }
      const field = searchField()
      if (!field) return place()
      const { value, selectionStart, selectionEnd } = early
      end()
      if (isLeft) return field.closest('[role=dialog]').querySelector('button[aria-label=Close]')?.click()
      if (value) keepTyped(value, selectionStart, selectionEnd)
      else field.focus()
    }
    const takeKey = (pressed) => { // by hand: a dialog that is being drawn may have the cursor for a moment
      const { key } = pressed
      if (isTyped(pressed)) early.setRangeText(key, early.selectionStart, early.selectionEnd, 'end')
      else if (key === 'Backspace') {
        if (early.selectionStart === early.selectionEnd) early.selectionStart = Math.max(0, early.selectionStart - 1)
        early.setRangeText('')
      } else if (key === 'Escape') {
        isLeft = early.hidden = true
      } else if (!['Enter', 'Tab'].includes(key)) return
      pressed.preventDefault()
      pressed.stopImmediatePropagation()
    }
    const observer = new MutationObserver(handOver)
    const timer = setTimeout(end, opening)
    addEventListener('keydown', takeKey, true)
    observer.observe(document.body, { childList: true, subtree: true })
    place()
    handOver()
  }
  addEventListener('keydown', (pressed) => {
    if (pressed.key.toLowerCase() !== 'k' || !(pressed.ctrlKey || pressed.metaKey) || !document.getElementById('root')) return
    pressed.preventDefault()
    pressed.stopImmediatePropagation()
    openSearch()
  }, true)
  document.addEventListener('click', (pressed) => {
    if (pressed.isTrusted && pressed.target.closest?.('.st-key-open_search button')) openSearch()
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
