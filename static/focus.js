// Focuses the first field of a dialog that has just opened, unless one of its fields has the focus.
{
  let attempts = 40
  const focus = () => {
    const field = document.querySelector('[role=dialog] input')
    if (!field) return attempts-- && setTimeout(focus, 25)
    if (!document.activeElement?.matches?.('[role=dialog] input')) field.focus()
  }
  focus()
}
