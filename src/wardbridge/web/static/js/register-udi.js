// A label scanned into the UDI field fills what is still empty; what is odd about it is said, never refused.
const form = document.querySelector("form[data-udi]");
const source = form?.elements.namedItem("udi");
const told = form?.querySelector("[data-udi-said]");

let last = "";

async function fill() {
  const text = source.value.trim();
  // Leaving the field after a scan is a change too; what was said stays, with its link.
  if (text === last) return;
  last = text;
  told.textContent = "";
  if (!text) return;
  const answer = await fetch(`${form.dataset.udi}?text=${encodeURIComponent(text)}`, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { issuer, fields, warnings, catalogue } = await answer.json();
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements.namedItem(name);
    if (field && !field.value) field.value = value;
  }
  told.textContent = [issuer, ...warnings, catalogue?.name].filter(Boolean).join(" · ");
  if (catalogue) {
    const link = document.createElement("a");
    link.href = `/equipment/register/models/new?di=${encodeURIComponent(catalogue.di)}`;
    link.textContent = form.dataset.add;
    told.append(" ", link);
  }
}

source?.addEventListener("change", fill);
// Scanners end with Enter: that is the end of a scan, not of the form.
source?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    fill();
  }
});
