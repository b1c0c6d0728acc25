// A person with a browser, as far as signing in needs one: follows redirects, keeps cookies, fills in forms.
//
// It knows the pages only by what is in their forms: hidden fields go back as they came, `email` and `password` are the
// person's, and a consent page has a button `decision` = `accept`, an approval page
// `approve`; the page that asks whether a device is theirs, `continue`.

/** From /oauth/authorize to the app's redirect URI; returns the parameters that arrive there. */
export async function walk(origin, request, person) {
  const query = new URLSearchParams({ response_type: "code", state: "a state", ...request });
  const arrived = await follow(`${origin}/oauth/authorize?${query}`, request.redirect_uri, person);
  return Object.fromEntries(arrived.searchParams);
}

/** From any page to an address of the app; returns the whole address. Who passes the same `cookies` again has the same browser.
 *  Without a destination: to the last page, which is returned. */
export async function follow(url, destination, person, cookies = new Map()) {
  let form = null;

  for (let step = 0; step < 12; step++) {
    const reply = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }

    const location = reply.headers.get("location");
    if (location) {
      url = new URL(location, url).href;
      form = null;
      if (destination && url.startsWith(destination)) return new URL(url);
      continue;
    }

    const page = await reply.text();
    const next = reply.status === 200 && filledIn(forms(page), person);
    if (!next && !destination && reply.status === 200) return page;
    if (!next) throw new Error(`no way on from ${url} (${reply.status}):\n${page}`);
    url = new URL(next.action, url).href;
    form = next.fields;
  }
  throw new Error(`the sign-in does not end; the last page was ${url}`);
}

/** The form that leads on, or nothing. */
function filledIn(forms, person) {
  for (const { action, fields, buttons } of forms) {
    if (fields.some(([name]) => name in person)) return { action, fields: fields.map(([name, value]) => [name, person[name] ?? value]) };
    const yes = buttons.find(([name, value]) => name === "decision" && ["accept", "approve", "continue"].includes(value));
    if (yes) return { action, fields: [...fields, yes] };
  }
}

/** The forms of a page: their fields as a browser would send them, and their buttons. */
function forms(page) {
  return [...page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head, body]) => {
    const fields = [], buttons = [];
    for (const [, tag, text] of body.matchAll(/<(input|button)\b([^>]*)>/gs)) {
      const { name, value = "", type = "", checked } = attributes(text);
      if (!name) continue;
      if (tag === "button" || type === "submit") buttons.push([name, value]);
      else if (!["checkbox", "radio"].includes(type) || checked !== undefined) fields.push([name, value]);
    }
    return { action: attributes(head).action ?? "", fields, buttons };
  });
}

function attributes(text) {
  const found = text.matchAll(/([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi);
  return Object.fromEntries([...found].map(([, name, double, single, bare]) => [name.toLowerCase(), unescaped(double ?? single ?? bare ?? "")]));
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"' };
const unescaped = (text) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name ? (entities[name] ?? whole) : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)));
