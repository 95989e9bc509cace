//! What a part counted.

/// How many messages a part prints: one defect can have thousands.
const MESSAGES: usize = 20;

#[derive(Default)]
pub struct Tally {
    pub part: &'static str,
    pub runs: usize,
    /// How often a value, or a file that was whole, was gone.
    pub losses: usize,
    /// How often plaintext was where none must be.
    pub plaintext: usize,
    /// Hangs, panics, errors that say nothing, and next runs that do not complete.
    pub failures: usize,
    /// Files that a killed process left. The next run removed those with plaintext.
    pub left_behind: usize,
    /// Runs that ended before the fault.
    pub untouched: usize,
    pub notes: Vec<String>,
    messages: usize,
}

impl Tally {
    pub fn of(part: &'static str) -> Self {
        Self { part, ..Self::default() }
    }

    pub fn is_clean(&self) -> bool {
        self.losses + self.plaintext + self.failures == 0
    }

    pub fn loss(&mut self, message: &str) {
        self.losses += 1;
        self.print("loss", message);
    }

    pub fn found(&mut self, message: &str) {
        self.plaintext += 1;
        self.print("plaintext", message);
    }

    pub fn failure(&mut self, message: &str) {
        self.failures += 1;
        self.print("failure", message);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn print(&mut self, what: &str, message: &str) {
        self.messages += 1;
        if self.messages <= MESSAGES {
            println!("{}: {what}: {message}", self.part);
        }
    }
}

/// All parts as a table.
pub fn print(tallies: &[Tally]) {
    println!(
        "\n{:<28} {:>7} {:>7} {:>10} {:>9} {:>12} {:>10}",
        "", "runs", "losses", "plaintext", "failures", "left behind", "untouched"
    );
    for tally in tallies {
        println!(
            "{:<28} {:>7} {:>7} {:>10} {:>9} {:>12} {:>10}",
            tally.part,
            tally.runs,
            tally.losses,
            tally.plaintext,
            tally.failures,
            tally.left_behind,
            tally.untouched
        );
    }
    for tally in tallies {
        tally.notes.iter().for_each(|note| println!("{}: {note}", tally.part));
    }
}
