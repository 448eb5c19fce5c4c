// Tells the browser which language a page speaks, and keeps the one that a person chose for a year.
(({ language, kept, chosen }) => {
  document.documentElement.lang = language
  if (chosen) document.cookie = `${kept}=${language}; path=/; max-age=31536000; SameSite=Lax`
})(document.currentScript.dataset)

// Opens a page again that Streamlit's own script took away: on a slow machine what it is told of a page it has just left
// can be too late for it. All that a page shows is in its address and at the server.
if (!window.opensAgain) {
  window.opensAgain = true
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
