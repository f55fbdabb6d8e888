//! The pretended GitLab as python-gitlab sees it, a client that is not ours: it reads everything, approves, starts, tries again and
//! cancels, and is refused as GitLab refuses.

use crate::{clients, served::Served};

#[test]
fn a_client_that_is_not_ours_reads_and_acts_on_it() {
    let served = Served::start("gitlab", &[]);
    clients::drive("gitlab", &[served.address("gitlab")]);
}
