//! What an app called, beside the decision about it.

/// What an app called for anybody in the organization, in the last days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// How many days, today included.
    pub days: u16,
    /// Calls that went through.
    pub allowed: u64,
    /// Of these, those that enforcing scopes would have denied.
    pub would_be_denied: u64,
    /// Calls that were denied.
    pub denied: u64,
    /// The day of the last call, for people; absent where there was none.
    pub last: Option<String>,
    /// The operations that were called, the most called first.
    pub operations: Vec<UsedOperation>,
    /// How many more there are than are shown.
    pub more: usize,
    /// Of the granted scopes those that no call could have used.
    pub unused: Vec<String>,
    /// Of the others those without which the same calls go through.
    pub unneeded: Vec<String>,
}

/// One operation, as it was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOperation {
    /// Method and path, or the id where the contract no longer has it; nothing for calls that meant none.
    pub name: Option<String>,
    /// Calls that went through.
    pub allowed: u64,
    /// Of these, those that enforcing scopes would have denied.
    pub would_be_denied: u64,
    /// Calls that were denied.
    pub denied: u64,
    /// The day of the last call, for people.
    pub last: String,
}
