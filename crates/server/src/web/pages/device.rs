//! Connecting a device that has no browser (RFC 8628 §3.3).

use askama::Template;

use super::{App, FormKeys, Frame, Person, ScopeLine};

/// Where the code of a device is entered.
#[derive(Debug, Clone, Template)]
#[template(path = "device_code.html")]
pub struct DeviceCodePage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who is signed in.
    pub person: Person,
    /// What was typed before, or what a link brought.
    pub user_code: String,
    /// What was wrong with the last try.
    pub problem: Option<DeviceProblem>,
}

/// Why a code was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceProblem {
    /// It does not have the letters of a code.
    Malformed,
    /// No device waits with this code: mistyped, answered before, or ended.
    Unknown,
    /// Too many wrong codes.
    RateLimited {
        /// For people, e.g. `4 minutes`.
        wait: String,
    },
}

/// Whether the device is theirs (RFC 8628 §5.4).
#[derive(Debug, Clone, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirmPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// The app on the device.
    pub app: App,
    /// Host of the app's own page, where it registered one.
    pub site: Option<String>,
    /// Name of the organization that registered the app.
    pub registered_by: String,
    /// Name of the organization that the device will work in.
    pub organization: String,
    /// Who is signed in.
    pub person: Person,
    /// As it must stand on the device.
    pub user_code: String,
    /// What the app asks for.
    pub scopes: Vec<ScopeLine>,
}

/// The device has its answer.
#[derive(Debug, Clone, Template)]
#[template(path = "device_answered.html")]
pub struct DeviceAnsweredPage {
    /// Around the content.
    pub frame: Frame,
    /// The app on the device.
    pub app: App,
    /// Yes or no.
    pub answer: DeviceAnswer,
}

/// What a device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// It gets its tokens.
    LetIn,
    /// It does not.
    Denied,
}
