// Puts the cursor into the first field of a dialog that has just been opened, unless one of its fields has it already.
{
  let left = 40
  const focus = () => {
    const field = document.querySelector('[role=dialog] input')
    if (!field) return left-- && setTimeout(focus, 25)
    if (!document.activeElement?.matches?.('[role=dialog] input')) field.focus()
  }
  focus()
}
