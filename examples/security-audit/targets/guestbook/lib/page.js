const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** The guest book as HTML. */
export const page = (visitor, entries) => `<!doctype html>
<title>Guest book</title>
<ul>${entries.map(({ name, text }) => `<li>${escape(name)}: ${escape(text)}</li>`).join('')}</ul>
<div id="greeting"></div>
<script>
  const visitor = decodeURIComponent(location.hash.slice(1));
  document.getElementById('greeting').innerHTML = 'Welcome, ' + visitor;
</script>
<p>Signed in as ${escape(visitor)}</p>`;
