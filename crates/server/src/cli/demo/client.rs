//! What a browser and an app do: sign in through the pages, exchange codes, ask for tokens, call the API. Nothing here knows
//! the server from inside.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::entropy::{Entropy, random_bytes};
use countersign_domain::oauth::pkce::CodeChallenge;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use super::cast::{App, Person};

/// A sign-in has fewer steps than this.
const MAX_STEPS: usize = 10;

/// Speaks to one server.
pub(super) struct Walker<'e> {
    origin: Url,
    entropy: &'e dyn Entropy,
}

/// An access token, as the app got it.
pub(super) struct Token(String);

/// A call to make.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// The answer to a call.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Null where there is no body.
    pub(super) body: Value,
}

impl<'e> Walker<'e> {
    pub(super) fn new(origin: &str, entropy: &'e dyn Entropy) -> anyhow::Result<Self> {
        Ok(Self { origin: Url::parse(origin)?, entropy })
    }

    /// RFC 6749 §4.1 with RFC 7636: a person signs in to an app, which then has a token for them.
    pub(super) async fn sign_in(&self, person: &Person<'_>, app: &App<'_>) -> anyhow::Result<Token> {
        let redirect_uri = app.redirect_uri.with_context(|| format!("`{}` has no redirect URI", app.name))?;
        let verifier = URL_SAFE_NO_PAD.encode(random_bytes::<32>(self.entropy));
        let state = URL_SAFE_NO_PAD.encode(random_bytes::<16>(self.entropy));
        let challenge = CodeChallenge::of_verifier(&verifier);
        let mut address = self.address("/oauth/authorize")?;
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", app.id),
            ("redirect_uri", redirect_uri),
            ("state", &state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        let answer = self.walk_to(address, redirect_uri, person).await?;
        let parameter = |name| answer.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if parameter("state") != Some(state) {
            bail!("`state` came back changed");
        }
        let Some(code) = parameter("code") else { bail!("no code came back: {answer}") };
        self.token(
            app,
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", redirect_uri),
                ("code_verifier", &verifier),
            ],
        )
        .await
    }

    /// RFC 6749 §4.4: an app on its own behalf.
    pub(super) async fn client_credentials(&self, app: &App<'_>) -> anyhow::Result<Token> {
        self.token(app, &[("grant_type", "client_credentials")]).await
    }

    /// A call of the API with a token.
    pub(super) async fn call(&self, token: &Token, request: &Request) -> anyhow::Result<Answer> {
        let app = Client::builder().no_proxy().build()?;
        let call = app.request(request.method.clone(), self.address(&request.path)?).bearer_auth(&token.0);
        let response = match &request.body {
            Some(body) => call.json(body).send().await?,
            None => call.send().await?,
        };
        let status = response.status().as_u16();
        let body = serde_json::from_str(&response.text().await?).unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// A browser's way from the authorization endpoint back to the app, over the sign-in form and, where the app is asked
    /// about, the consent form.
    async fn walk_to(&self, address: Url, redirect_uri: &str, person: &Person<'_>) -> anyhow::Result<Url> {
        let browser = Client::builder().no_proxy().redirect(Policy::none()).cookie_store(true).build()?;
        let mut response = browser.get(address).send().await?;
        for _ in 0..MAX_STEPS {
            response = match location(&response)? {
                Some(address) if address.as_str().starts_with(redirect_uri) => return Ok(address),
                Some(address) => browser.get(address).send().await?,
                None => self.fill_in(&browser, response, person).await?.send().await?,
            };
        }
        bail!("the sign-in of {} did not come to an end", person.email)
    }

    /// The form of the page that is shown, filled in.
    async fn fill_in(&self, browser: &Client, page: Response, person: &Person<'_>) -> anyhow::Result<RequestBuilder> {
        let status = page.status();
        let html = page.text().await?;
        for (action, answers) in [
            ("/oauth/sign-in", vec![("email", person.email), ("password", person.password)]),
            ("/oauth/consent", vec![("decision", "accept")]),
        ] {
            if let Some(mut fields) = hidden_fields(&html, action) {
                fields.extend(answers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
                return Ok(browser.post(self.address(action)?).form(&fields));
            }
        }
        bail!("a page with status {status} has no form to go on with: {}", title(&html))
    }

    async fn token(&self, app: &App<'_>, parameters: &[(&str, &str)]) -> anyhow::Result<Token> {
        let request = Client::builder().no_proxy().build()?.post(self.address("/oauth/token")?);
        let request = match app.secret {
            Some(secret) => request.basic_auth(app.id, Some(secret)).form(parameters),
            None => request.form(&[parameters, &[("client_id", app.id)]].concat()),
        };
        let answer: Value = request.send().await?.json().await?;
        match answer["access_token"].as_str() {
            Some(token) => Ok(Token(token.to_owned())),
            None => bail!("no token for `{}`: {answer}", app.name),
        }
    }

    fn address(&self, path: &str) -> anyhow::Result<Url> {
        Ok(self.origin.join(path)?)
    }
}

/// Where a redirect leads.
fn location(response: &Response) -> anyhow::Result<Option<Url>> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    Ok(Some(response.url().join(location.to_str()?)?))
}

/// The hidden fields of the form that posts to `action`.
fn hidden_fields(html: &str, action: &str) -> Option<Vec<(String, String)>> {
    let (_, form) = html.split_once(&format!("action=\"{action}\""))?;
    let (form, _) = form.split_once("</form>")?;
    let inputs = form.split("<input ").skip(1).filter_map(|input| input.split_once('>')).map(|(input, _)| input);
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    Some(hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect())
}

/// What our pages write there needs no unescaping: names and unreserved characters.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag.split_once(&format!("{name}=\""))?;
    value.split_once('"').map(|(value, _)| value.to_owned())
}

fn title(html: &str) -> &str {
    html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title)
}
