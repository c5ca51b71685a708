//! Versions, references and queries.

use super::*;

fn component(name: &str, version: &str) -> Component {
    Component { name: name.to_owned(), version: version.parse().ok(), ..Component::default() }
}

#[test]
fn versions_are_read_as_people_write_them_and_ordered_as_numbers() {
    let read = |text: &str| text.parse::<Version>().map(|version| version.to_string()).ok();
    assert_eq!(read("1"), Some("1.0.0".to_owned()));
    assert_eq!(read("1.10"), Some("1.10.0".to_owned()));
    assert_eq!(read(" v2.0.1 "), Some("2.0.1".to_owned()));
    assert_eq!(read("1.2-rc.1"), Some("1.2.0-rc.1".to_owned()));
    assert_eq!(read("1+build.5"), Some("1.0.0+build.5".to_owned()));
    for text in ["", "latest", "1.2.3.4", "01.2.3", "v", "1.x", "-1"] {
        assert_eq!(read(text), None, "{text}");
    }
    let mut versions: Vec<Version> =
        ["1.10.0", "1.9.0", "2.0.0-beta", "2.0.0", "1.10.0-rc.2", "1.10.0-rc.10"]
            .map(|v| v.parse().unwrap())
            .into();
    versions.sort();
    let order: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(order, ["1.9.0", "1.10.0-rc.2", "1.10.0-rc.10", "1.10.0", "2.0.0-beta", "2.0.0"]);
}

#[test]
fn references_name_versions_in_every_form() {
    let allows = |reference: &str, version: &str| {
        reference.parse::<Reference>().unwrap().allows(version.parse().ok().as_ref())
    };
    assert!(allows("a", "3.0.0") && allows("a@^1.2", "1.9.0") && !allows("a@^1.2", "2.0.0"));
    assert!(allows("a@1.2.0", "1.2.0") && !allows("a@1.2.0", "1.2.1"), "a whole version is that one");
    assert!(allows("a@1.2", "1.9.0"), "a part of a version is compatible with it");
    assert!(allows("a@>=1 <2", "1.5.0") && !allows("a@>=1 <2", "2.0.0"), "a space does for a comma");
    assert!(allows("a@>= 1, < 2", "1.5.0") && allows("a@v1.0.0", "1.0.0") && allows("a@1.*", "1.7.0"));
    assert!(!allows("a@^2", "2.0.0-beta") && allows("a@2.0.0-beta", "2.0.0-beta"));
    assert!("a@newest".parse::<Reference>().is_err() && "a@".parse::<Reference>().is_err());
    let none: Reference = "a@^1".parse().unwrap();
    assert!(!none.allows(None) && Reference::to("a").allows(None));
    assert_eq!("n.a@1.2.0".parse::<Reference>().unwrap().to_string(), "n.a@1.2.0");
}

#[test]
fn a_component_is_called_by_its_name_with_or_without_its_namespace() {
    let mut one = component("check.yaml", "1");
    one.namespace = Some("onex.example".to_owned());
    assert!(one.is_called("check.yaml") && one.is_called("onex.example.check.yaml"));
    assert!(
        !one.is_called("yaml")
            && !one.is_called("example.check.yaml")
            && !one.is_called("onex.examplecheck.yaml")
    );
    assert_eq!(one.full_name(), "onex.example.check.yaml@1.0.0");
}

#[test]
fn stages_are_those_that_are_named_and_those_of_tags() {
    let tags = ["schema", "ci", "pre-commit"].map(str::to_owned).into();
    let one = Component {
        tags,
        declared_stages: vec!["nightly".to_owned(), "ci".to_owned()],
        ..Component::default()
    };
    assert_eq!(one.stages(), ["nightly", "ci", "pre-commit"]);
}

fn sample() -> Component {
    Component {
        namespace: Some("onex.example".to_owned()),
        meta_type: "validator".to_owned(),
        lifecycle: Lifecycle::new("Canary"),
        tags: vec!["schema".to_owned(), "pre-commit".to_owned()],
        capabilities: vec!["parsing".to_owned()],
        description: Some("Refuses YAML with tabs.".to_owned()),
        ..component("check_yaml", "1.2.0")
    }
}

#[test]
fn a_query_is_all_of_its_conditions_and_any_value_of_each() {
    let selects = |text: &str| ComponentQuery::parse(text).unwrap().selects(&sample());
    for text in [
        "",
        "type=validator,lifecycle=canary",
        "type=tool|validator",
        "TYPE=x".to_lowercase().replace("=x", "=Validator").as_str(),
        "tags=schema,tags=pre-commit",
        "name=check_yaml",
        "name=onex.example.check_yaml",
        "name=check_*",
        "name=*yaml",
        "name=*",
        "namespace=onex.*",
        "version=^1.1",
        "version=>=1 <2",
        "status=canary",
        "capability=parsing",
        "yaml",
        "YAML tabs",
        "type=validator, tabs",
    ] {
        assert!(selects(text), "{text}");
    }
    for text in [
        "type=tool",
        "type=validator,lifecycle=stable",
        "tags=schema,tags=ci",
        "name=check",
        "name=*_yam",
        "name=check_*_yaml",
        "namespace=onex",
        "version=^2",
        "json",
        "yaml spaces",
    ] {
        assert!(!selects(text), "{text}");
    }
}

#[test]
fn what_is_no_query_says_why() {
    let error = |text: &str| ComponentQuery::parse(text).unwrap_err();
    assert_eq!(error("lifecylce=canary").suggestion.as_deref(), Some("lifecycle"));
    assert_eq!(error("type=").message, "the filter `type` has no value");
    assert!(error("version=newest").message.contains("no range of versions"));
    assert!(
        ComponentQuery::parse_filters("validator").unwrap_err().message.contains("`validator` is no filter")
    );
}

#[test]
fn a_filter_replaces_the_default_of_its_own_key_only() {
    let defaults = ComponentQuery::parse("type=validator,lifecycle=canary,tags=pre-commit").unwrap();
    let asked = ComponentQuery::parse("lifecycle=stable|active").unwrap().with_defaults(&defaults);
    let expected = ComponentQuery::parse("type=validator,lifecycle=stable|active,tags=pre-commit").unwrap();
    assert_eq!(asked, expected);
    assert_eq!(ComponentQuery::default().with_defaults(&defaults), defaults);
    let both = ComponentQuery::parse("tags=a").unwrap().and(ComponentQuery::parse("tags=b").unwrap());
    assert_eq!(both, ComponentQuery::parse("tags=a,tags=b").unwrap());
}

#[test]
fn a_refusal_names_the_condition_and_what_there_is() {
    let query = ComponentQuery::parse("type=validator,lifecycle=stable|active").unwrap();
    let refusal = query.refusal(&sample()).unwrap();
    assert_eq!(refusal.to_string(), "lifecycle is canary, not stable or active");
    let query = ComponentQuery::parse("status=draft").unwrap();
    assert_eq!(query.refusal(&sample()).unwrap().key, Some(FilterKey::Status));
}

#[test]
fn values_that_nothing_has_are_told_with_what_there_is() {
    let all = sample();
    let query = ComponentQuery::parse("type=validatr|validator,tags=nightly,version=^9").unwrap();
    let told: Vec<(FilterKey, String, Option<String>)> =
        query.unmatched(&[&all]).into_iter().map(|one| (one.key, one.value, one.suggestion)).collect();
    let text = str::to_owned;
    assert_eq!(
        told,
        [
            (FilterKey::Type, text("validatr"), Some(text("validator"))),
            (FilterKey::Tags, text("nightly"), None),
            (FilterKey::Version, text("^9"), None),
        ]
    );
}

#[test]
fn lifecycles_of_every_vocabulary_are_known_and_others_kept() {
    for word in Lifecycle::KNOWN {
        let lifecycle = Lifecycle::new(word);
        assert!(lifecycle.is_known());
        assert_eq!(lifecycle.runs_unnamed(), !["draft", "archived"].contains(&word), "{word}");
    }
    let other = Lifecycle::new("Incubating");
    assert_eq!((other.as_str(), other.is_known(), other.runs_unnamed()), ("incubating", false, true));
    assert_eq!(Lifecycle::default().as_str(), "active");
}

#[test]
fn a_deprecation_says_since_when_until_when_and_what_instead() {
    let day = |text: &str| text.parse().unwrap();
    let deprecation = Deprecation {
        since: Some("1.2.0".to_owned()),
        sunset: Some(day("2026-12-31")),
        replacement: Some("check2".to_owned()),
    };
    assert_eq!(
        deprecation.warning("check@1.3.0", day("2026-12-30")),
        "`check@1.3.0` is deprecated since 1.2.0, and will be gone on 2026-12-31; use `check2` instead"
    );
    let past = deprecation.warning("check@1.3.0", day("2026-12-31"));
    assert!(past.contains("and was to be gone on 2026-12-31"), "{past}");
    assert_eq!(Deprecation::default().warning("a", day("2026-01-01")), "`a` is deprecated");
}

#[test]
fn files_of_entry_points_are_beside_the_file_that_declares_them() {
    let entry_file = |kind, target: &str| {
        let entrypoint = Some(Entrypoint { kind, target: vec![target.to_owned()] });
        let origin = Origin { path: "tools/check/contract.yaml".into(), ..Origin::default() };
        let file = Component { entrypoint, origin, ..Component::default() }.entry_file();
        file.map(|file| file.display().to_string())
    };
    assert_eq!(entry_file(EntryKind::Script, "run.sh").as_deref(), Some("tools/check/run.sh"));
    assert_eq!(entry_file(EntryKind::Python, "run.py").as_deref(), Some("tools/check/run.py"));
    assert_eq!(entry_file(EntryKind::Command, "./run").as_deref(), Some("tools/check/./run"));
    assert_eq!(entry_file(EntryKind::Command, "yamllint"), None);
    assert_eq!(entry_file(EntryKind::Http, "https://x/y"), None);
}
