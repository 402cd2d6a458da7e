//! One edit and its consequence, and the list that they are gathered in.

/// What comes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    /// Data and clients go on as before.
    Fine,
    /// It can't be found out.
    Unknown,
    /// Data or clients suffer.
    Breaks,
    /// The deployment can't be done.
    Fails,
}

/// One edit, or what is in a deployment's way, and its consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The module, or what else it is of.
    pub(super) subject: String,
    pub(super) verdict: Verdict,
    pub(super) edit: String,
    pub(super) consequence: String,
}

/// The changes found so far.
#[derive(Default)]
pub(super) struct Changes {
    /// What is edited: a module, or what else the next changes are of.
    pub(super) subject: String,
    pub(super) found: Vec<Change>,
}

impl Changes {
    /// The next changes are of this.
    pub(super) fn of(&mut self, subject: impl Into<String>) {
        self.subject = subject.into();
    }

    pub(super) fn add(
        &mut self,
        breaking: bool,
        edit: impl Into<String>,
        consequence: impl Into<String>,
    ) {
        let verdict = if breaking {
            Verdict::Breaks
        } else {
            Verdict::Fine
        };
        self.push(verdict, edit, consequence);
    }

    pub(super) fn fail(&mut self, edit: impl Into<String>, consequence: impl Into<String>) {
        self.push(Verdict::Fails, edit, consequence);
    }

    pub(super) fn doubt(&mut self, edit: impl Into<String>, consequence: impl Into<String>) {
        self.push(Verdict::Unknown, edit, consequence);
    }

    pub(super) fn push(
        &mut self,
        verdict: Verdict,
        edit: impl Into<String>,
        consequence: impl Into<String>,
    ) {
        self.found.push(Change {
            subject: self.subject.clone(),
            verdict,
            edit: edit.into(),
            consequence: consequence.into(),
        });
    }
}
