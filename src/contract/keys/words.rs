//! Words that stand for one of several things, each with what it means.

/// A word and its meaning.
pub(in crate::contract) type Word = (&'static str, &'static str);

pub(in crate::contract) const EXECUTION_MODES: [Word; 3] = [
    ("sequential", "One node at a time."),
    ("parallel", "As many nodes at once as the limits allow."),
    ("batch", "One parallel group after another: a group begins when the one before has ended."),
];

pub(in crate::contract) const STRATEGIES: [Word; 7] = [
    ("retry", "Repeat every failed node as often as `max_retries` says."),
    ("fail_fast", "Stop the run at the first failure."),
    ("continue", "Go on with all that does not depend on the failure."),
    ("rollback", "Undo what is done. Not carried out yet by this version of onex."),
    (
        "compensate",
        "Undo what is done by the nodes' own actions. Not carried out yet by this version of onex.",
    ),
    ("abort", "Stop the run at the first failure."),
    ("none", "Stop the run at the first failure."),
];

pub(in crate::contract) const ERROR_ACTIONS: [Word; 4] = [
    ("stop", "The failure of this node stops the run, whatever the rules say."),
    ("continue", "The run goes on with all that does not depend on this node."),
    ("retry", "Repeat the node as often as `max_retries` in the rules says, then stop."),
    ("compensate", "Undo what is done. Not carried out yet by this version of onex."),
];

pub(in crate::contract) const ENDS: [Word; 3] = [
    ("success", "The node is done."),
    ("failure", "The node has failed."),
    ("finished", "The node has ended in any way."),
];

pub(in crate::contract) const UNCERTAINTIES: [Word; 2] = [
    ("fail", "The node has failed."),
    ("suspend", "The run waits until somebody says what became of the node."),
];

pub(in crate::contract) const JITTERS: [Word; 2] =
    [("none", "Delays are as long as they are."), ("full", "Each delay is a random part of its length.")];

pub(in crate::contract) const RETRIED: [Word; 6] = [
    ("any", "Every failure."),
    ("timeout", "The attempt took too long."),
    ("signal", "A signal that onex did not send ended the program."),
    ("spawn", "The program could not be started."),
    ("connect", "A connection could not be made."),
    ("exit:75", "The program ended with this code; any from 1 to 255."),
];

pub(in crate::contract) const OUTPUTS: [Word; 4] = [
    ("text", "The value is the text without the line break at its end."),
    ("json", "The value is the JSON document that is printed."),
    ("lines", "The value is the list of lines."),
    ("none", "There is no value."),
];

pub(in crate::contract) const COUNTED: [Word; 2] = [
    ("all", "Every failed attempt."),
    ("infrastructure", "Only attempts that failed for reasons outside of the program's own answer."),
];

pub(in crate::contract) const SCOPES: [Word; 2] = [
    ("node", "The circuit is the node's own."),
    ("destination", "Nodes with the same `destination` share the circuit."),
];

pub(in crate::contract) const INHERITED: [Word; 2] =
    [("all", "The program gets all variables that onex has."), ("none", "The program gets none of them.")];

pub(in crate::contract) const NODE_KINDS: [Word; 6] = [
    ("effect", "It acts on the world outside."),
    ("compute", "It computes a value from others."),
    ("reducer", "It reduces values to intents."),
    ("orchestrator", "It runs a workflow."),
    ("validator", "It checks something."),
    ("test", "It tests something; passed on a later attempt, it is flaky."),
];

pub(in crate::contract) const LIFECYCLES: [Word; 7] = [
    ("draft", "It is being written."),
    ("canary", "A few try it."),
    ("experimental", "It may change in any way."),
    ("active", "It is used."),
    ("stable", "It is used and does not change."),
    ("deprecated", "It is not to be used any more."),
    ("archived", "It is kept and not used."),
];

pub(in crate::contract) const SANDBOXES: [Word; 1] =
    [("strict", "The program writes nothing but temporary files, and has no network.")];

pub(in crate::contract) const FILESYSTEMS: [Word; 3] = [
    ("full", "The program touches all files that its user may."),
    ("project", "The program writes below the project root only, and reads all that its user may."),
    ("read_only", "The program writes nothing but temporary files, and reads all that its user may."),
];

pub(in crate::contract) const NETWORKS: [Word; 2] = [
    ("full", "The program uses any network."),
    ("none", "The program uses no network, not even that of this machine."),
];

/// The words alone.
pub(in crate::contract) fn names(words: &'static [Word]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// Whether a word is one of them.
pub(in crate::contract) fn has(words: &[Word], word: &str) -> bool {
    words.iter().any(|(known, _)| *known == word)
}
