//! A browser without scripts: cookies by hand, forms as the pages give them, redirects one at a time.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;

use super::{CHALLENGE, Server, VERIFIER, encode, query_of};

/// A browser with its cookies.
pub struct Browser<'s> {
    server: &'s Server,
    pub cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

/// What a browser shows, or where it is sent.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl<'s> Browser<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub async fn get(&mut self, target: &str) -> Page {
        self.request("GET", target, String::new()).await
    }

    pub async fn post(&mut self, target: &str, form: &[(&str, &str)]) -> Page {
        self.request("POST", target, encode(form)).await
    }

    async fn request(&mut self, method: &str, target: &str, body: String) -> Page {
        let target = target.strip_prefix(self.server.app.origin.as_str()).unwrap_or(target);
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("accept", "text/html,application/xhtml+xml,*/*;q=0.8"));
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = self.server.send(method, target, &headers, body).await;
        for line in answer.headers.get_all("set-cookie") {
            self.keep(line.to_str().unwrap());
        }
        Page { status: answer.status, headers: answer.headers, html: answer.text }
    }

    fn keep(&mut self, line: &str) {
        let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
        if line.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Opens an authorization request; the usual parameters are filled in where `more` does not name them.
    pub async fn authorize(&mut self, client: &str, redirect_uri: &str, more: &[(&str, &str)]) -> Page {
        self.get(&authorize_address(client, redirect_uri, more)).await
    }

    /// Fills in the sign-in form of `page`, and follows the way back.
    pub async fn sign_in(&mut self, page: &Page, email: &str, password: &str) -> Page {
        let page = self.submit(page, "/oauth/sign-in", &[("email", email), ("password", password)]).await;
        self.follow_within(page).await
    }

    /// Posts the form of `page` that leads to `action`, with its hidden fields and `fields`.
    pub async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = page.hidden(action);
        let hidden: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action, &[&hidden[..], fields].concat()).await
    }

    /// Follows redirects as long as they stay on the server.
    pub async fn follow_within(&mut self, mut page: Page) -> Page {
        while page.status == 303 && page.location().starts_with('/') {
            let location = page.location().to_owned();
            page = self.get(&location).await;
        }
        page
    }

    /// Signs in to a client and gets a code, accepting where asked.
    pub async fn code(&mut self, client: &str, redirect_uri: &str, more: &[(&str, &str)], who: (&str, &str)) -> String {
        let mut page = self.authorize(client, redirect_uri, more).await;
        if page.html.contains("action=\"/oauth/sign-in\"") {
            page = self.sign_in(&page, who.0, who.1).await;
        }
        if page.html.contains("action=\"/oauth/consent\"") {
            page = self.submit(&page, "/oauth/consent", &[("decision", "accept")]).await;
        }
        page.code()
    }
}

/// The address of an authorization request.
pub fn authorize_address(client: &str, redirect_uri: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", client),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut pairs: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    pairs.extend(more);
    format!("/oauth/authorize?{}", encode(&pairs))
}

/// The form of a code redemption with the usual verifier.
pub fn redemption<'f>(code: &'f str, redirect_uri: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The code of a successful authorization response.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.html);
        query_of(self.location(), "code").unwrap_or_else(|| panic!("no code in {}", self.location()))
    }

    /// The error of an authorization response.
    #[track_caller]
    pub fn error(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.html);
        query_of(self.location(), "error").unwrap_or_else(|| panic!("no error in {}", self.location()))
    }

    /// Whether the page has a form that leads to `action`.
    pub fn has_form(&self, action: &str) -> bool {
        self.html.contains(&format!("action=\"{action}\""))
    }

    /// The hidden fields of the form that leads to `action`.
    #[track_caller]
    pub fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let start = self
            .html
            .find(&format!("action=\"{action}\""))
            .unwrap_or_else(|| panic!("no form for {action}:\n{}", self.html));
        let form = &self.html[start..];
        let form = &form[..form.find("</form>").unwrap()];
        let inputs = form.split("<input type=\"hidden\"").skip(1);
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let start = tag.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    let value = &tag[start..start + tag[start..].find('"').unwrap()];
    value.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}
