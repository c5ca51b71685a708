//! Reports for machines: one document, and nothing before or after it.

use std::io::{self, Write};

use serde::Serialize;

use super::Formatter;
use crate::model::plan_view::PlanView;
use crate::model::report::RunReport;
use crate::yaml::to_text;

/// One JSON document with a line break at its end.
#[derive(Debug)]
pub(super) struct Json;

impl Formatter for Json {
    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        json(report, out)
    }

    fn plan(&mut self, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
        json(plan, out)
    }
}

pub(super) fn json<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    super::json::write(value, out)
}

/// One YAML document in block style.
#[derive(Debug)]
pub(super) struct Yaml;

impl Formatter for Yaml {
    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        yaml(report, out)
    }

    fn plan(&mut self, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
        yaml(plan, out)
    }
}

pub(super) fn yaml<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(to_text(value).map_err(io::Error::other)?.as_bytes())
}
