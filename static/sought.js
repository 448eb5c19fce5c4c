// Brings the setting that somebody was led to into sight, or its card where it is not asked for at present.
{
  let left = 40
  const show = () => {
    const card = document.querySelector('.st-key-sought-field') ?? (left < 30 && document.querySelector('.st-key-sought-card'))
    if (card) card.scrollIntoView({block: 'center'})
    else if (left--) setTimeout(show, 50)
  }
  show()
}
