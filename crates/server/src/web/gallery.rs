//! Every page in every state, with people of Acme and Globex: rendered by the tests and written to `target/gallery`,
//! where `clients/browser/gallery` looks at each in a real browser.

use askama::Template;

use crate::web::pages::{
    App, ApprovalImpact, ApprovalPage, Approvers, AuthorizeErrorPage, ChooseOrganizationPage, ConfirmSignOutPage,
    ConsentPage, DeviceAnswer, DeviceAnsweredPage, DeviceCodePage, DeviceConfirmPage, DeviceProblem, FormKeys,
    FormPostPage, Frame, HomePage, HomeSession, OrganizationChoice, OtherSession, Person, Refusal, RefusedCallPage,
    RefusedPage, Registration, RequestPage, RequestState, RoleChoice, ScopeChoice, ScopeLine, SignInPage,
    SignInProblem, SignedOutPage, Standing, Trouble, TroublePage, Used, UsedOperation, WaitingRequest,
};

/// A page in one state.
pub(crate) struct State {
    /// File name without its ending.
    pub(crate) name: &'static str,
    /// The page.
    pub(crate) html: String,
}

/// Every state. `text` is applied to each string that somebody outside could have chosen.
pub(crate) fn states(text: &dyn Fn(&str) -> String) -> Vec<State> {
    let cast = Cast { text };
    let mut states = Vec::new();
    cast.sign_in(&mut states);
    cast.consent(&mut states);
    cast.approval(&mut states);
    cast.refused_calls(&mut states);
    cast.request(&mut states);
    cast.device(&mut states);
    cast.refused(&mut states);
    cast.around(&mut states);
    states
}

struct Cast<'t> {
    text: &'t dyn Fn(&str) -> String,
}

fn add(states: &mut Vec<State>, name: &'static str, page: &impl Template) {
    states.push(State { name, html: page.render().unwrap() });
}

impl Cast<'_> {
    fn text(&self, text: &str) -> String {
        (self.text)(text)
    }

    fn maybe(&self, text: &str) -> Option<String> {
        Some(self.text(text))
    }

    fn frame(&self) -> Frame {
        Frame { server: "sign.acme.example".into(), assets: String::new() }
    }

    fn form(&self) -> FormKeys {
        FormKeys { interaction: self.text("cs_in_9f2c"), csrf: self.text("cs_cf_41d7") }
    }

    fn roster(&self) -> App {
        let (name, return_host) = (self.text("Roster Sync"), self.text("roster.globex.example"));
        App { name, document_host: String::new(), return_host, is_local: false }
    }

    fn local(&self) -> App {
        let (name, return_host) = (self.text("Shift Planner CLI"), self.text("127.0.0.1"));
        App { name, document_host: String::new(), return_host, is_local: true }
    }

    fn ada(&self) -> Person {
        Person { name: self.text("Ada Lovelace"), email: self.text("ada@acme.example") }
    }

    fn linus(&self) -> Person {
        Person { name: self.text("Linus Pauling"), email: self.text("linus@acme.example") }
    }

    fn acme(&self) -> String {
        self.text("Acme Corp")
    }

    fn lines(&self) -> Vec<ScopeLine> {
        vec![
            ScopeLine {
                id: self.text("users:readonly"),
                description: self.maybe("Read users, their profiles and their state"),
                is_read_only: true,
            },
            ScopeLine {
                id: self.text("routing"),
                description: self.maybe("Read and change queues, skills and who is assigned to them"),
                is_read_only: false,
            },
            ScopeLine { id: self.text("workforce-management:readonly"), description: None, is_read_only: true },
        ]
    }

    fn approvers(&self) -> Approvers {
        Approvers { names: vec![self.text("Ada Lovelace"), self.text("Grace Hopper")], others: 3 }
    }

    fn return_to(&self) -> Option<String> {
        self.maybe("https://roster.globex.example/callback?error=access_denied&state=xyz")
    }

    fn sign_in(&self, states: &mut Vec<State>) {
        let page = SignInPage {
            frame: self.frame(),
            form: self.form(),
            app: Some(self.roster()),
            organization: Some(self.acme()),
            email: String::new(),
            problem: None,
        };
        add(states, "sign-in", &page);
        let wrong = SignInPage {
            email: self.text("ada@acme.example"),
            problem: Some(SignInProblem::WrongCredentials),
            ..page.clone()
        };
        add(states, "sign-in-wrong", &wrong);
        add(states, "sign-in-incomplete", &SignInPage { problem: Some(SignInProblem::Incomplete), ..wrong.clone() });
        let limited = SignInProblem::RateLimited { wait: self.text("4 minutes") };
        add(states, "sign-in-limited", &SignInPage { problem: Some(limited), ..wrong });
        add(states, "sign-in-local", &SignInPage { app: Some(self.local()), organization: None, ..page.clone() });
        add(states, "sign-in-device", &SignInPage { app: None, organization: None, ..page });

        let organizations =
            [("acme", "Acme Corp"), ("globex", "Globex"), ("globex-labs", "Globex Research Laboratories")]
                .map(|(id, name)| OrganizationChoice { id: self.text(id), name: self.text(name) });
        let choose = ChooseOrganizationPage {
            frame: self.frame(),
            form: self.form(),
            app: Some(self.roster()),
            email: self.text("ada@acme.example"),
            organizations: organizations.into(),
        };
        add(states, "choose-organization", &choose);
        add(states, "choose-organization-device", &ChooseOrganizationPage { app: None, ..choose });
    }

    fn consent(&self, states: &mut Vec<State>) {
        let page = ConsentPage {
            frame: self.frame(),
            form: self.form(),
            app: self.roster(),
            organization: self.acme(),
            is_authorized: true,
            person: self.ada(),
            scopes: self.lines(),
            shown: self.text("users:readonly routing"),
        };
        add(states, "consent", &page);
        add(states, "consent-unvouched", &ConsentPage { is_authorized: false, ..page.clone() });
        add(states, "consent-local", &ConsentPage { app: self.local(), ..page.clone() });
        let published = App { document_host: self.text("planner.example"), ..self.local() };
        add(states, "consent-document", &ConsentPage { app: published, ..page.clone() });
        let long = ConsentPage {
            app: App {
                name: self.text("The Quarterly Workforce Planning and Adherence Reconciliation Assistant (Beta)"),
                document_host: String::new(),
                return_host: self.text("eu-central-1.adherence-reconciliation.planning.workforce.globex.example:8443"),
                is_local: false,
            },
            organization: self.text("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"),
            person: Person {
                name: self.text("Wolfeschlegelsteinhausenbergerdorff Hubert Blaine"),
                email: self.text("hubert.blaine.wolfeschlegelsteinhausenbergerdorff@donaudampfschifffahrt.example"),
            },
            ..page
        };
        add(states, "consent-long", &long);
    }

    fn approval(&self, states: &mut Vec<State>) {
        let page = ApprovalPage {
            frame: self.frame(),
            form: self.form(),
            app: self.roster(),
            registration: Registration {
                organization: self.text("Globex"),
                is_own: false,
                date: self.text("3 November 2026"),
                description: self.text("Keeps the shift roster and the user directory in step, both ways."),
            },
            organization: self.acme(),
            person: self.ada(),
            standing: Standing::Undecided,
            scopes: self.scope_choices(&[]),
            roles: self.role_choices(),
            impact: ApprovalImpact { reads: 48, writes: 28, people: 311, of_people: 342, is_enforced: true },
            used: Some(self.unused()),
            asks_each_person: false,
            requests: vec![
                WaitingRequest {
                    name: self.text("Linus Pauling"),
                    date: self.text("22 November 2026"),
                    reason: self.text("We copy the night shift by hand every evening. This would do it for us."),
                },
                WaitingRequest {
                    name: self.text("Rosalind Franklin"),
                    date: self.text("20 November 2026"),
                    reason: self.text("Needed for the Leeds office from December."),
                },
            ],
            shown: self.text("0:7d1f"),
            return_to: self.return_to(),
            problem: None,
        };
        add(states, "approval", &page);
        let more = ApprovalPage {
            standing: Standing::AsksForMore,
            scopes: self.scope_choices(&["users:readonly"]),
            used: Some(self.used()),
            impact: ApprovalImpact { reads: 1, writes: 0, people: 1, ..page.impact },
            requests: vec![],
            ..page.clone()
        };
        add(states, "approval-more", &more);
        let denied = ApprovalPage {
            app: self.local(),
            registration: Registration { is_own: true, description: String::new(), ..page.registration.clone() },
            standing: Standing::Denied,
            requests: vec![],
            used: None,
            problem: self.maybe("Tick at least one scope: without any, the app can do nothing."),
            impact: ApprovalImpact { reads: 0, writes: 0, people: 0, ..page.impact },
            return_to: None,
            ..page.clone()
        };
        add(states, "approval-denied-before", &denied);
        let reporting = ApprovalImpact { is_enforced: false, ..page.impact };
        let revoked = ApprovalPage { standing: Standing::Revoked, impact: reporting, ..page.clone() };
        add(states, "approval-revoked-before", &revoked);
        add(states, "approval-expired", &ApprovalPage { standing: Standing::Expired, ..page });
    }

    /// Of an app that has called nothing yet.
    fn unused(&self) -> Used {
        Used {
            days: 90,
            allowed: 0,
            would_be_denied: 0,
            denied: 0,
            last: None,
            operations: vec![],
            more: 0,
            unused: vec![],
            unneeded: vec![],
        }
    }

    fn used(&self) -> Used {
        let operation = |name: Option<&str>, allowed, denied| UsedOperation {
            name: name.map(|name| self.text(name)),
            allowed,
            would_be_denied: denied / 2,
            denied,
            last: self.text("22 November 2026"),
        };
        Used {
            allowed: 48_213,
            would_be_denied: 6,
            denied: 14,
            last: Some(self.text("22 November 2026")),
            operations: vec![
                operation(Some("GET /api/v2/users"), 48_000, 0),
                operation(Some("GET /api/v2/users/{userId}/profile/{profileSection}/history"), 212, 0),
                operation(Some("PATCH /api/v2/users/{userId}"), 1, 12),
                operation(None, 0, 2),
            ],
            more: 3,
            unused: vec![self.text("rosters")],
            unneeded: vec![self.text("users"), self.text("presence")],
            ..self.unused()
        }
    }

    fn scope_choices(&self, granted: &[&str]) -> Vec<ScopeChoice> {
        // id, description, asked for, known, reads, writes
        [
            ("users", Some("Read and change users, their profiles and their state"), true, true, 41, 23),
            ("users:readonly", Some("Read users, their profiles and their state"), true, true, 41, 0),
            ("presence", None, true, true, 7, 5),
            ("rosters", None, true, false, 0, 0),
            ("authorization", Some("Read and change roles, divisions and who holds what"), false, true, 22, 31),
            ("oauth:readonly", Some("Read apps and what they are allowed"), false, true, 1, 0),
            ("routing", Some("Read and change queues, skills and who is assigned to them"), false, true, 64, 88),
            ("uploads", Some("Upload files"), false, true, 0, 1),
        ]
        .map(|(id, description, is_requested, is_known, reads, writes)| ScopeChoice {
            id: self.text(id),
            description: description.map(|description| self.text(description)),
            is_requested,
            is_granted: granted.contains(&id),
            is_ticked: is_known && (is_requested || granted.contains(&id)),
            is_known,
            is_read_only: id.ends_with(":readonly"),
            reads,
            writes,
        })
        .into()
    }

    fn role_choices(&self) -> Vec<RoleChoice> {
        [("Directory admin", 2, false), ("Employee", 214, false), ("Planner", 1, true), ("Supervisor", 12, true)]
            .map(|(name, holders, is_ticked)| RoleChoice {
                id: self.text(&name.to_lowercase()),
                name: self.text(name),
                holders,
                is_ticked,
            })
            .into()
    }

    fn refused_calls(&self, states: &mut Vec<State>) {
        let page = RefusedCallPage {
            frame: self.frame(),
            heading: "This call is not allowed",
            status: 403,
            code: "app.not.authorized.for.scope",
            message: self.text("App not authorized to use scope [users, users:readonly]"),
            scopes: vec![vec![self.text("users")], vec![self.text("users:readonly"), self.text("presence")]],
            permissions: vec![self.text("directory:user:add"), self.text("directory:user:edit")],
            needs_all_permissions: false,
            roles: vec![self.text("Planner"), self.text("Supervisor")],
            help: self.maybe("An administrator of the organization can grant the scope to the app"),
            ask: self.maybe("/oauth/approval?client_id=roster-sync&scope=users"),
            helping_roles: vec![self.text("Directory admin"), self.text("Employee")],
            correlation_id: self.text("9f1c3b0e5d7a4c21b6a90f0c5c2d7e11"),
        };
        add(states, "call-refused", &page);
        let nobody = RefusedCallPage {
            heading: "This call needs an access token",
            status: 401,
            code: "authentication.required",
            message: self.text("No authentication bearer token specified in authorization header."),
            scopes: vec![],
            permissions: vec![],
            roles: vec![],
            help: None,
            ask: None,
            helping_roles: vec![],
            ..page
        };
        add(states, "call-without-token", &nobody);
    }

    fn request(&self, states: &mut Vec<State>) {
        let reason = || self.text("We copy the night shift by hand every evening. This would do it for us.");
        let page = RequestPage {
            frame: self.frame(),
            form: self.form(),
            app: self.roster(),
            organization: self.acme(),
            person: self.linus(),
            scopes: self.lines(),
            approvers: self.approvers(),
            state: RequestState::Ask { reason: String::new(), problem: None },
            return_to: self.return_to(),
        };
        add(states, "request", &page);
        let problem = self.maybe("The reason is longer than 1,000 characters. Say it shorter.");
        let wrong = RequestPage { state: RequestState::Ask { reason: reason(), problem }, ..page.clone() };
        add(states, "request-wrong", &wrong);
        let nobody = RequestPage { approvers: Approvers { names: vec![], others: 0 }, return_to: None, ..page.clone() };
        add(states, "request-nobody", &nobody);
        add(states, "request-sent", &RequestPage { state: RequestState::Sent { reason: reason() }, ..page.clone() });
        let waiting = RequestState::Waiting { date: self.text("22 November 2026"), reason: reason() };
        add(states, "request-waiting", &RequestPage { state: waiting, ..page });
    }

    fn device(&self, states: &mut Vec<State>) {
        let page = DeviceCodePage {
            frame: self.frame(),
            form: self.form(),
            person: self.ada(),
            user_code: String::new(),
            problem: None,
        };
        add(states, "device-code", &page);
        let filled = DeviceCodePage { user_code: self.text("WDJB-MJHT"), ..page };
        add(states, "device-code-filled", &filled);
        let unknown = DeviceCodePage { problem: Some(DeviceProblem::Unknown), ..filled.clone() };
        add(states, "device-code-unknown", &unknown);
        let malformed = DeviceCodePage { problem: Some(DeviceProblem::Malformed), ..filled.clone() };
        add(states, "device-code-malformed", &malformed);
        let limited = DeviceProblem::RateLimited { wait: self.text("4 minutes") };
        add(states, "device-code-limited", &DeviceCodePage { problem: Some(limited), ..filled });
        let app = || App {
            name: self.text("Kitchen Display"),
            document_host: String::new(),
            return_host: String::new(),
            is_local: false,
        };
        let confirm = DeviceConfirmPage {
            frame: self.frame(),
            form: self.form(),
            app: app(),
            site: self.maybe("kitchen.globex.example"),
            registered_by: self.text("Globex"),
            organization: self.acme(),
            person: self.ada(),
            user_code: "WDJB-MJHT".into(),
            scopes: self.lines(),
        };
        add(states, "device-confirm", &confirm);
        let bare = DeviceConfirmPage { site: None, scopes: vec![], ..confirm };
        add(states, "device-confirm-bare", &bare);
        for (name, answer) in [("device-let-in", DeviceAnswer::LetIn), ("device-denied", DeviceAnswer::Denied)] {
            add(states, name, &DeviceAnsweredPage { frame: self.frame(), app: app(), answer });
        }
    }

    fn refused(&self, states: &mut Vec<State>) {
        let page = RefusedPage {
            frame: self.frame(),
            form: self.form(),
            app: self.roster(),
            organization: self.acme(),
            person: self.linus(),
            refusal: Refusal::Denied,
            approvers: self.approvers(),
            return_to: self.return_to(),
        };
        add(states, "refused", &page);
        add(states, "refused-revoked", &RefusedPage { refusal: Refusal::Revoked, ..page.clone() });
        add(states, "refused-role", &RefusedPage { refusal: Refusal::RoleMissing, ..page });
    }

    fn around(&self, states: &mut Vec<State>) {
        let correlation_id = || "4c1f7a52-9d0e-4c0b-8f57-2b1e6a7d3c90".to_owned();
        let error = AuthorizeErrorPage {
            frame: self.frame(),
            code: "invalid_request".into(),
            message: self.text("`redirect_uri` is not one of the addresses registered for this client"),
            fix: self.text("Send exactly one of the registered addresses, byte for byte, or register this one."),
            parameter: self.maybe("redirect_uri"),
            correlation_id: correlation_id(),
        };
        add(states, "authorize-error", &error);
        let home = HomePage { frame: self.frame(), issuer: "https://sign.acme.example".into(), session: None };
        add(states, "home", &home);
        let other = |id: &str, signed_in: &str, last_used: &str| OtherSession {
            id: id.into(),
            signed_in: signed_in.into(),
            last_used: last_used.into(),
        };
        let others = vec![
            other("1", "less than a minute ago", "less than a minute ago"),
            other("2", "11 hours ago", "29 minutes ago"),
        ];
        let alone = HomeSession { person: self.ada(), organization: self.acme(), form: self.form(), others: vec![] };
        add(states, "home-signed-in", &HomePage { session: Some(alone.clone()), ..home.clone() });
        let session = HomeSession { others, ..alone };
        add(states, "home-other-browsers", &HomePage { session: Some(session), ..home });
        let form_post = FormPostPage {
            frame: self.frame(),
            app: self.roster(),
            action: "https://roster.globex.example/callback".into(),
            fields: vec![("code".into(), self.text("cs_ac_1")), ("state".into(), self.text("xyz"))],
        };
        add(states, "form-post", &form_post);
        let confirm = ConfirmSignOutPage {
            frame: self.frame(),
            form: self.form(),
            person: self.ada(),
            app: Some(self.roster()),
            fields: vec![("state", self.text("xyz"))],
        };
        add(states, "confirm-sign-out", &confirm);
        add(states, "confirm-sign-out-nobody", &ConfirmSignOutPage { app: None, fields: vec![], ..confirm });
        add(states, "signed-out", &SignedOutPage { frame: self.frame(), was_signed_in: true });
        add(states, "signed-out-nobody", &SignedOutPage { frame: self.frame(), was_signed_in: false });
        for (name, trouble) in [
            ("not-found", Trouble::NotFound),
            ("method-not-allowed", Trouble::MethodNotAllowed),
            ("form-refused", Trouble::FormRefused),
            ("interaction-over", Trouble::InteractionOver),
            ("too-many-requests", Trouble::TooManyRequests { wait: self.text("30 seconds") }),
            ("internal", Trouble::Internal),
            ("unavailable", Trouble::Unavailable),
        ] {
            add(states, name, &TroublePage { frame: self.frame(), trouble, correlation_id: correlation_id() });
        }
    }
}
