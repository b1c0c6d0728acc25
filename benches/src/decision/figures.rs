//! What `decision` has measured, as tables, and beside it what the design asks for.

use crate::WorldSize;
use crate::table::{Table, nanos, times, verdict};

/// What a run has measured.
pub(super) struct Figures {
    pub(super) floor: f64,
    pub(super) countersign: f64,
    pub(super) ordinary: f64,
    pub(super) cedar: f64,
    pub(super) floor_chain: [f64; 2],
    pub(super) countersign_chain: [f64; 2],
    pub(super) threads: f64,
    pub(super) bytes_per_user: Option<f64>,
    pub(super) allocations: Option<Allocations>,
}

/// Allocations per decision.
pub(super) struct Allocations {
    pub(super) allow: f64,
    pub(super) deny: f64,
    pub(super) deny_in_full: f64,
}

impl Figures {
    /// The table of engines.
    pub(super) fn rows(&self, rows: &[(&str, f64)]) -> String {
        let mut table = Table::new(&["per decision, in a loop", "CPU ns", "x floor", "x Countersign"]);
        for (name, value) in rows {
            table.row([(*name).into(), nanos(*value), times(value / self.floor), times(value / self.countersign)]);
        }
        format!("{table}")
    }

    /// The table of single decisions.
    pub(super) fn chains(&self) -> String {
        let mut table =
            Table::new(&["one after another, each waiting for the one before", "p50 ns", "p99 ns", "p50 x floor"]);
        for (name, [p50, p99]) in [("floor", self.floor_chain), ("Countersign", self.countersign_chain)] {
            table.row([name.into(), nanos(p50), nanos(p99), times(p50 / self.floor_chain[0])]);
        }
        format!("{table}")
    }

    /// The targets of the design and whether they are met.
    pub(super) fn targets(&self, world: WorldSize, is_smoke: bool) -> String {
        if is_smoke {
            return "the smoke run shows that everything runs and agrees; its figures mean nothing\n".into();
        }
        let (cedar_gate, cedar_moonshot) = match world {
            WorldSize::Small => (30.0, 50.0),
            WorldSize::Large => (25.0, 35.0),
        };
        let mut table = Table::new(&["target", "measured", "gate", "", "moonshot", ""]);
        let mut at_most = |name: &str, value: f64, gate: f64, moonshot: f64| {
            table.row([
                name.into(),
                times(value),
                format!("<= {gate}"),
                verdict(value <= gate),
                format!("<= {moonshot}"),
                verdict(value <= moonshot),
            ]);
        };
        at_most("x floor, loop", self.countersign / self.floor, 3.0, 2.0);
        at_most("x floor, serialized p50", self.countersign_chain[0] / self.floor_chain[0], 1.5, 1.2);
        at_most("CPU per decision, two threads vs one", self.threads, 1.1, 1.0);
        if let Some(bytes) = self.bytes_per_user {
            at_most("bytes per user, all that snapshots hold", bytes, 200.0, 120.0);
        }
        if let Some(allocations) = &self.allocations {
            at_most("allocations on allow", allocations.allow, 0.0, 0.0);
            at_most("allocations on deny", allocations.deny, 4.0, 0.0);
            table.row([
                "allocations on deny, with all that is missing".into(),
                times(allocations.deny_in_full),
                "<= 4".into(),
                verdict(allocations.deny_in_full <= 4.0),
                "none".into(),
                String::new(),
            ]);
        }
        let faster = self.cedar / self.countersign;
        if faster.is_finite() {
            table.row([
                "x faster than cedar indexed".into(),
                times(faster),
                format!(">= {cedar_gate}"),
                verdict(faster >= cedar_gate),
                format!(">= {cedar_moonshot}"),
                verdict(faster >= cedar_moonshot),
            ]);
        }
        table.row([
            "disagreements".into(),
            "0".into(),
            "0".into(),
            verdict(true),
            "0 of 100 M".into(),
            "not tried here".into(),
        ]);
        let counted =
            if self.allocations.is_none() { "allocations are counted with the feature `count`\n" } else { "" };
        format!("{table}{counted}x faster than ordinary crates: {}\n", times(self.ordinary / self.countersign))
    }
}
