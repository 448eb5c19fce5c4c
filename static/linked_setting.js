// Scrolls to the setting that a link names, or to its card if the field is not shown.
{
  let attempts = 40
  const scroll = () => {
    const field = document.querySelector('.st-key-linked-field')
    const target = field ?? (attempts < 30 && document.querySelector('.st-key-linked-card'))
    if (target) target.scrollIntoView({block: 'center'})
    else if (attempts--) setTimeout(scroll, 50)
  }
  scroll()
}
