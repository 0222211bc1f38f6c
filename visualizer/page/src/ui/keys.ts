/** Whether a key belongs to the element that has the focus: it is typed, or it operates a button or a list. */
export function isTaken({ target, key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey) return true
  if (!(target instanceof HTMLElement)) return false
  if (target.closest('input, select, textarea, dialog')) return true
  return key === ' ' && target.closest('button, summary, [role=listbox]') !== null
}
