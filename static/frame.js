// Keyboard shortcuts, search and links of every page. Loaded before the first page is drawn.
{
  const isCharacter = (event) => event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey

  // Opens the list of keyboard shortcuts when a question mark is pressed outside a field.
  document.addEventListener('keydown', (event) => {
    const field = event.target.closest?.('input, textarea, [contenteditable=true], [role=combobox], [role=dialog]')
    if (event.key === '?' && !field) document.querySelector('.st-key-keys button')?.click()
  })

  // Keeps single keys from the page behind an open dialog: they are handled above the body, by Streamlit.
  document.body.addEventListener('keydown', (event) => {
    if (isCharacter(event) && document.querySelector('[role=dialog]')) event.stopPropagation()
  })

  // Opens the search at once, without waiting for the server. Until the server has drawn the dialog, a temporary field
  // receives every key, so no letter is lost and none triggers a shortcut of the page. Then the dialog gets its text.
  const searchButton = () => document.querySelector('.st-key-open_search button')
  const searchField = () => document.querySelector('[role=dialog] .st-key-search_text input')
  const openingTimeout = 20_000 // milliseconds until the temporary field gives up waiting for the dialog
  let temporaryField = null // exists while the dialog is loading
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set
  // Writes the typed text into the field, and repeats it if Streamlit draws the field again within a second.
  const restoreText = (value, begin, end) => {
    const writeValue = () => {
      const field = searchField()
      if (!field || field.value === value) return
      setValue.call(field, value)
      field.dispatchEvent(new Event('input', { bubbles: true }))
      if (document.activeElement !== field) field.focus()
    }
    const readInput = (event) => {
      if (event.isTrusted && event.target === searchField()) value = event.target.value
    }
    const handleKey = (event) => {
      if (event.key === 'Escape') return stop()
      if (!isCharacter(event) || document.activeElement === searchField()) return
      event.preventDefault()
      event.stopImmediatePropagation()
      value += event.key
      writeValue()
    }
    const interval = setInterval(writeValue, 50)
    const stop = () => {
      clearInterval(interval)
      removeEventListener('input', readInput, true)
      removeEventListener('keydown', handleKey, true)
    }
    addEventListener('input', readInput, true)
    addEventListener('keydown', handleKey, true)
    setTimeout(stop, 1000)
    writeValue()
    searchField().setSelectionRange(begin, end)
  }
  const openSearch = () => {
    if (temporaryField || searchField()) return (temporaryField ?? searchField()).focus()
    temporaryField = Object.assign(document.createElement('input'), { className: 'search-placeholder', autocomplete: 'off' })
    const button = searchButton()
    temporaryField.setAttribute('aria-label', button?.textContent ?? 'Ctrl+K')
    let isDialogRequested = false, isCancelled = false
    const placeField = () => { // inside an open dialog, because a dialog takes the focus from fields outside
      const host = document.querySelector('[role=dialog]') ?? document.body
      if (temporaryField.parentNode !== host) host.append(temporaryField)
      if (document.activeElement !== temporaryField && !temporaryField.hidden) temporaryField.focus()
    }
    const removeField = () => {
      observer.disconnect()
      removeEventListener('keydown', handleKey, true)
      clearTimeout(timer)
      temporaryField.remove()
      temporaryField = null
    }
    const moveToDialog = () => {
      if (!isDialogRequested && searchButton()) {
        isDialogRequested = true
        searchButton().click()
      }
      const field = searchField()
      if (!field) return placeField()
      const { value, selectionStart, selectionEnd } = temporaryField
      removeField()
      if (isCancelled) return field.closest('[role=dialog]').querySelector('button[aria-label=Close]')?.click()
      if (value) restoreText(value, selectionStart, selectionEnd)
      else field.focus()
    }
    const handleKey = (event) => { // edits the field itself, because a dialog that is being drawn may have the focus for a moment
      const { key } = event
      if (isCharacter(event)) temporaryField.setRangeText(key, temporaryField.selectionStart, temporaryField.selectionEnd, 'end')
      else if (key === 'Backspace') {
        if (temporaryField.selectionStart === temporaryField.selectionEnd) temporaryField.selectionStart = Math.max(0, temporaryField.selectionStart - 1)
        temporaryField.setRangeText('')
      } else if (key === 'Escape') {
        isCancelled = temporaryField.hidden = true
      } else if (!['Enter', 'Tab'].includes(key)) return
      event.preventDefault()
      event.stopImmediatePropagation()
    }
    const observer = new MutationObserver(moveToDialog)
    const timer = setTimeout(removeField, openingTimeout)
    addEventListener('keydown', handleKey, true)
    observer.observe(document.body, { childList: true, subtree: true })
    placeField()
    moveToDialog()
  }
  addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || !document.getElementById('root')) return
    event.preventDefault()
    event.stopImmediatePropagation()
    openSearch()
  }, true)
  document.addEventListener('click', (event) => {
    if (event.isTrusted && event.target.closest?.('.st-key-open_search button')) openSearch()
  })

  // Makes one press one step of Back: later changes of the address by the page itself replace the entry.
  let isPressed = false
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { isPressed = true }, true)
  const push = history.pushState
  history.pushState = (...parameters) => {
    const changeAddress = isPressed ? push : history.replaceState
    isPressed = false
    changeAddress.apply(history, parameters)
  }

  // Opens a link to a page of the console in the same tab, as the menu does; a new tab would load everything again.
  // With Ctrl, Shift or Cmd the browser opens it in a new tab.
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('[data-testid=stMarkdownContainer] a[href^="/"]:not([href="/"], [href^="/login"])')
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    isPressed = true
    history.pushState(null, '', link.href)
    dispatchEvent(new PopStateEvent('popstate'))
  })

  // Selects the first cell of a table when an arrow key is pressed and no cell is selected.
  document.addEventListener('keydown', (event) => {
    const table = event.target.closest?.('[data-testid=data-grid-canvas]')
    if (!table || !event.key.startsWith('Arrow') || table.querySelector('td[aria-selected=true]')) return
    event.stopPropagation()
    event.preventDefault()
    table.querySelector('td')?.focus()
  }, true)

  // Reloads a page that Streamlit's own script removed after an error: on a slow machine, messages about a page that was
  // just left can arrive too late. The address and the server hold everything that a page shows.
  const reloadPause = 10_000 // milliseconds between two reloads
  const reloadPage = () => {
    if (document.querySelector('[data-testid=stApp]')) return
    sessionStorage.setItem('reloadedAt', Date.now())
    location.reload()
  }
  window.addEventListener('error', () => {
    const since = Date.now() - Number(sessionStorage.getItem('reloadedAt'))
    setTimeout(reloadPage, Math.max(500, reloadPause - since))
  })
}
