/* Lists of countries hold codes: they are named in the language of the page, and sorted by these names. */
const countryNames = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "region" });
for (const list of document.querySelectorAll("select[data-countries]")) {
  const options = [...list.options].filter((one) => one.value);
  for (const one of options) one.text = countryNames.of(one.value);
  list.append(...options.sort((one, other) => one.text.localeCompare(other.text)));
}
