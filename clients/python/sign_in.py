"""A person with a browser, as far as signing in needs one: follows redirects, keeps cookies, fills in forms.

It knows the pages only by what is in their forms: hidden fields go back as they came, `email` and `password` are the
person's, and a consent page has a button `decision` = `accept`.
"""

import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar


def walk(origin, client_id, redirect_uri, email, password, **more):
    """From /oauth/authorize to the app's redirect URI; returns the parameters that arrive there.

    `more` are further parameters of the authorization request, such as `code_challenge`.
    """
    request = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": "a state"} | more
    address = f"{origin}/oauth/authorize?{urllib.parse.urlencode(request)}"
    arrived = follow(address, redirect_uri, email, password)
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(arrived).query))


def follow(url, destination, email, password):
    """From any page to an address of the app; returns the whole address."""
    form = None
    open_page = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPCookieProcessor(CookieJar())).open

    for _ in range(12):
        status, headers, text = _answer(open_page, url, form)
        if location := headers.get("Location"):
            url, form = urllib.parse.urljoin(url, location), None
            if url.startswith(destination):
                return url
            continue
        form = _filled_in(_forms(text), email, password)
        if status != 200 or form is None:
            raise AssertionError(f"no way on from {url} ({status}):\n{text}")
        action, form = form
        url = urllib.parse.urljoin(url, action)
    raise AssertionError(f"the sign-in does not end; the last page was {url}")


def _answer(open_page, url, form):
    body = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        reply = open_page(url, body)
    except urllib.error.HTTPError as answer:
        reply = answer
    with reply:
        return reply.status, reply.headers, reply.read().decode()


def _filled_in(forms, email, password):
    """The form that leads on, as (action, fields), or nothing."""
    for form in forms:
        names = {name for name, _ in form.fields}
        given = {"email": email, "password": password}
        if names & given.keys():
            return form.action, [(name, given.get(name, value)) for name, value in form.fields]
        if ("decision", "accept") in form.buttons:
            return form.action, form.fields + [("decision", "accept")]
    return None


def _forms(text):
    parser = _Forms()
    parser.feed(text)
    return parser.forms


class _Form:
    def __init__(self, action):
        self.action, self.fields, self.buttons = action, [], []


class _Forms(HTMLParser):
    """The forms of a page: their fields as a browser would send them, and their buttons."""

    def __init__(self):
        super().__init__()
        self.forms, self.inside = [], False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append(_Form(attributes.get("action") or ""))
            self.inside = True
        if not self.inside or not attributes.get("name"):
            return
        kind, field = attributes.get("type", "").lower(), (attributes["name"], attributes.get("value") or "")
        if tag == "button" or kind == "submit":
            self.forms[-1].buttons.append(field)
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in attributes):
            self.forms[-1].fields.append(field)

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
