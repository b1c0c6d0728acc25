//! For people who want an app that their organization has refused: who decided what, and who can change it.

use axum::response::Response;
use countersign_domain::oauth::next_step::Refusal;

use crate::http::error::refused_app_status;
use crate::oauth::front_channel::Here;
use crate::oauth::interaction::InProgress;
use crate::web::cards::{app_card, form_target};
use crate::web::html;
use crate::web::pages::{self, RefusedPage};
use crate::web::trouble::PageError;
use crate::web::visit::form_keys;

/// Shows the page.
pub async fn open(here: Here<'_>, mut progress: InProgress, refusal: Refusal) -> Result<Response, PageError> {
    let Here { visit, asked, signed_in, facts } = here;
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let page = RefusedPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, interaction.expose()),
        app: app_card(asked),
        organization: facts.organization.name.clone(),
        person: signed_in.person(),
        refusal: match refusal {
            Refusal::Denied => pages::Refusal::Denied,
            Refusal::Revoked => pages::Refusal::Revoked,
            Refusal::RoleMissing => pages::Refusal::RoleMissing,
        },
        approvers: facts.console.approvers(visit, &facts.organization).await?,
        return_to: asked.return_to(visit),
    };
    Ok(html::page(refused_app_status(), &page, &form_target(asked)))
}
