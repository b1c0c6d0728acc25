//! The JWT bearer grant at the token endpoint (RFC 7523 §2.1): the issuer that the organization trusts, the person whom it
//! names, and what the organization allows the app.

use countersign_domain::assertion_issuer::AssertionIssuer;
use countersign_domain::id::{OrganizationId, TokenFamilyId};
use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::jwt_bearer::{
    self, GrantAssertionError, NamedPerson, TOKEN_SECONDS, check_client, named_issuer, verify,
};
use countersign_domain::oauth::next_step::{Situation, app_standing};
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::token::{TokenResponse, TokenTerms};
use countersign_domain::oauth::token_request::AssertionRequest;
use countersign_domain::organization::Organization;
use countersign_domain::role::Assignee;
use countersign_domain::user::User;
use countersign_store::OrgStore;

use super::{Sender, TokenEndpoint};
use crate::http::error::TokenRefusal;

impl TokenEndpoint {
    /// RFC 7523 §2.1
    pub(super) async fn by_assertion(
        &self,
        request: &AssertionRequest,
        sender: Sender<'_>,
    ) -> Result<TokenResponse, TokenRefusal> {
        let (client, store) = (sender.client, self.channel.store());
        check_client(client)?;
        let (organization, issuer) = self.trusted(request, sender).await?.ok_or_else(untrusted)?;
        let server = self.channel.app.origin.as_str();
        let assertion = verify(&request.assertion, &issuer, client, server, self.now());
        let assertion = assertion.map_err(TokenError::from)?;
        self.channel.app.check_resources(&assertion.resources).await?.map_err(TokenError::from)?;

        let org = store.org(&organization.id);
        let user = find_user(&org, &assertion.person).await?;
        let user = user.ok_or(TokenError::Assertion(GrantAssertionError::Person))?;
        let grant = org.authorization(&client.id).await?.map(|(grant, _)| grant);
        let consent = org.consent(&user.id, &client.id).await?;
        let assignments = org.assignments_of(&Assignee::User(user.id.clone())).await?;
        let user_roles: Vec<_> = assignments.into_iter().map(|assignment| assignment.role).collect();
        // nobody is here to approve, to accept or to sign in
        let situation = Situation {
            organization: &organization,
            grant: grant.as_ref(),
            consent: consent.as_ref(),
            user_roles: &user_roles,
            can_approve: false,
            is_own_origin: false,
            has_just_signed_in: false,
            accepted: None,
        };
        let (family, parties) = (TokenFamilyId::generate(self.now(), self.entropy()), (client, &user));
        let is_known = |scope: &_| self.is_known(scope);
        let family = jwt_bearer::redeem(family, (request, &assertion), parties, situation, &is_known, self.now())?;

        let app = app_standing(&organization, grant.as_ref());
        let standing = Standing { is_organization_active: true, is_subject_active: true, app };
        let terms = sender.terms(family.extent(), &family.resources)?;
        let terms = TokenTerms { ends_by: Some(self.now().plus_seconds(TOKEN_SECONDS)), ..terms };
        let (access, record) = self.access_token((&family, &[]), terms, client, &standing)?;
        // RFC 7523 §3 rule 7: the use is claimed last, when everything else is right
        if !store.claim_proof(&assertion.used).await? {
            return Err(TokenError::Assertion(GrantAssertionError::Replayed).into());
        }
        store.save_tokens(&family, &record).await?;
        Ok(TokenResponse::new(&access, &record, None, &standing))
    }

    /// The organization that the request is about, and the issuer that the assertion names, if that is trusted there.
    async fn trusted(
        &self,
        request: &AssertionRequest,
        sender: Sender<'_>,
    ) -> Result<Option<(Organization, AssertionIssuer)>, TokenRefusal> {
        let named = match &request.organization {
            Some(named) => OrganizationId::parse(named).ok(),
            None => Some(sender.client.organization.clone()),
        };
        let (Some(id), Some(issuer)) = (named, named_issuer(&request.assertion)) else { return Ok(None) };
        let store = self.channel.store();
        let Some(organization) = store.organization(&id).await? else { return Ok(None) };
        let issuer = store.org(&id).assertion_issuer(&issuer).await?;
        Ok(issuer.map(|issuer| (organization, issuer)))
    }
}

fn untrusted() -> TokenError {
    TokenError::Assertion(GrantAssertionError::Untrusted)
}

async fn find_user(org: &OrgStore<'_>, person: &NamedPerson) -> Result<Option<User>, TokenRefusal> {
    Ok(match person {
        NamedPerson::Email(email) => org.user_by_email(email).await?,
        NamedPerson::User(id) => org.user(id).await?,
    })
}
