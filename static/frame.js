// Tells the browser which language a page speaks, and keeps the one that a person chose for a year. A file runs once it has
// come, in any order: each time what stands in the page by then counts.
{
  const { language, kept, chosen } = [...document.querySelectorAll('script[data-language]')].at(-1).dataset
  document.documentElement.lang = language
  if (chosen) document.cookie = `${kept}=${language}; path=/; max-age=31536000; SameSite=Lax`
}

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
