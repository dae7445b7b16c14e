// Small manners of every page: menus close, filters submit themselves, "select all" selects.

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.account[open]")) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.account[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

const boxes = (scope) => [...scope.querySelectorAll('input[type="checkbox"][name="observation"]')];

function count(form) {
  const chosen = boxes(form).filter((box) => box.checked).length;
  const button = form.querySelector("[data-verify]");
  if (!button) return;
  button.disabled = chosen === 0;
  button.querySelector("[data-count]").textContent = chosen ? ` (${chosen})` : "";
}

document.addEventListener("change", (event) => {
  const all = event.target.closest?.("[data-select-all]");
  const form = event.target.closest?.("form[data-sheet]");
  if (all && form) for (const box of boxes(form)) box.checked = all.checked;
  if (form) {
    const master = form.querySelector("[data-select-all]");
    if (master && !all) master.checked = boxes(form).every((box) => box.checked);
    count(form);
  }
});
const prepare = () => document.querySelectorAll("form[data-sheet]").forEach(count);
prepare();
document.addEventListener("htmx:afterSwap", prepare);
