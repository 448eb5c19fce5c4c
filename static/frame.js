// The frame's part in the browser, begun once, however often a page brings it along.
if (!window.isFramed) {
  window.isFramed = true

  // Tells the browser which language a page speaks, and keeps the one that a person chose for a year. The words of the page
  // change before the file that comes with them has arrived again, so the page itself is watched.
  let spoken
  const speak = () => {
    const told = [...document.querySelectorAll('script[data-language]')].at(-1)
    if (!told || told === spoken) return
    spoken = told
    const { language, kept, chosen } = told.dataset
    document.documentElement.lang = language
    if (chosen) document.cookie = `${kept}=${language}; path=/; max-age=31536000; SameSite=Lax`
  }
  speak()
  new MutationObserver(speak).observe(document.body, { childList: true, subtree: true })

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
