//! The floor: what no engine can go below. The three cache lines of the request's own user, authorization and
//! permission set, none depending on another, and every byte of the path; no logic.

use crate::requests::Requests;
use crate::world::World;

/// One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u64; 8]);

/// Flat arrays as large as the world.
#[derive(Debug)]
pub(crate) struct Floor {
    users: Vec<Line>,
    authorizations: Vec<Line>,
    permissions: Vec<Line>,
    /// For each request the places of its three lines.
    places: Vec<[u32; 3]>,
}

impl Floor {
    pub(crate) fn new(world: &World, requests: &Requests, permissions: usize) -> Self {
        // 1,402 permissions are three lines; which of them a request reads depends on the permission that it needs.
        let lines_each = permissions.div_ceil(512).max(1);
        let (mut first_user, mut first_app, mut first_set) = (Vec::new(), Vec::new(), Vec::new());
        let (mut users, mut apps, mut sets) = (0, 0, 0);
        for one in &world.organizations {
            first_user.push(users);
            first_app.push(apps);
            first_set.push(sets);
            users += one.users.len();
            apps += one.authorizations.len() + 1;
            sets += one.combinations.len() * lines_each;
        }
        let place = |(index, request): (usize, &crate::requests::Request)| {
            let organization = request.organization as usize;
            let user = request.user as usize;
            let combination = usize::from(world.organizations[organization].users[user].combination);
            let set = first_set[organization] + combination * lines_each + index % lines_each;
            [first_user[organization] + user, first_app[organization] + request.authorization as usize, set]
                .map(|place| u32::try_from(place).expect("fewer than 2^32 lines"))
        };
        let filled = |count: usize| (0..count as u64).map(|number| Line([number; 8])).collect();
        Self {
            users: filled(users),
            authorizations: filled(apps),
            permissions: filled(sets),
            places: requests.all.iter().enumerate().map(place).collect(),
        }
    }

    #[inline]
    pub(crate) fn read(&self, requests: &Requests, index: usize) -> u64 {
        let [user, app, set] = self.places[index];
        let word = index % 8;
        let lines = self.users[user as usize].0[word]
            ^ self.authorizations[app as usize].0[word]
            ^ self.permissions[set as usize].0[word];
        let path = requests.target(index).bytes().fold(0u64, |sum, byte| sum.wrapping_add(u64::from(byte)));
        lines.wrapping_add(path)
    }
}
