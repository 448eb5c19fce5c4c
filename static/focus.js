// Puts the cursor into the field of the dialog that has just been opened: a dialog takes it for itself at first.
{
  let left = 40
  const focus = () => {
    const field = document.querySelector('[role=dialog] input')
    if (field) field.focus()
    else if (left--) setTimeout(focus, 25)
  }
  focus()
}
