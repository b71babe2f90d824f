// Copying and sharing the invite link. Everything else of the shop works without scripts.

const SHOWN_MS = 2_000;

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const field = document.getElementById(button.dataset.copy);
    if (!(await copy(field))) return;
    const status = document.querySelector('[data-copy-status]');
    status.textContent = button.dataset.done;
    setTimeout(() => (status.textContent = ''), SHOWN_MS);
  });
}

for (const button of document.querySelectorAll('[data-share]')) {
  if (!navigator.share) continue;
  button.hidden = false;
  button.addEventListener('click', () => {
    const url = document.getElementById(button.dataset.share).value;
    // A person who closes the share sheet has said no; nothing to report.
    navigator.share({ title: document.title, url }).catch(() => {});
  });
}

// Without TLS, or without leave, there is no clipboard: then the selected text can be copied by hand.
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return false;
  }
}

// A double click sends a form once. The form's key makes the second harmless anyway; this spares the wait.
for (const form of document.forms) {
  form.addEventListener('submit', () => {
    for (const button of form.querySelectorAll('button')) button.disabled = true;
  });
}

// Back from the room by the browser's own button: the page comes from memory as it was left.
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('form button')) button.disabled = false;
});
