// Tells the browser which language a page speaks, and keeps the one that a person chose for a year.
(({ language, kept, chosen }) => {
  document.documentElement.lang = language
  if (chosen) document.cookie = `${kept}=${language}; path=/; max-age=31536000; SameSite=Lax`
})(document.currentScript.dataset)
