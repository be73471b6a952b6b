//! Where a fleet's lines go: all into one stream, or each flow log into files of its own, named as AWS names them in S3.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;

use crate::generate::Error;
use crate::generate::bundle::{Gzip, gzip, moment};
use crate::generate::draw::scramble;

use super::ground::Vpc;

/// Bytes of lines gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

/// Lines of all flow logs.
pub(super) enum Sheets<'a> {
    /// One stream, in the order of delivery.
    Stream(Sheet<&'a mut dyn Write>),
    /// A file for each flow log and so many seconds of delivery.
    Tree(Tree<'a>),
}

/// Lines on their way to one writer.
pub(super) struct Sheet<W> {
    out: W,
    lines: Vec<u8>,
}

/// The folder that stands for the bucket.
pub(super) struct Tree<'a> {
    directory: &'a Path,
    compressed: bool,
    seconds: u64,
    header: Vec<u8>,
    /// The open file of each flow log, and the beginning of its time.
    open: Vec<Option<(u64, Sheet<Out>)>>,
}

enum Out {
    Plain(BufWriter<File>),
    Gzip(Box<Gzip>),
}

impl<W: Write> Sheet<W> {
    /// With `header` as its first line, if there is one.
    pub(super) fn new(out: W, header: &[u8]) -> Self {
        let mut lines = Vec::with_capacity(BUFFER_BYTES + 4_096);
        lines.extend_from_slice(header);
        Self { out, lines }
    }

    fn write(&mut self, least: usize) -> io::Result<u64> {
        if self.lines.len() < least {
            return Ok(0);
        }
        self.out.write_all(&self.lines)?;
        let written = self.lines.len() as u64;
        self.lines.clear();
        Ok(written)
    }
}

impl<'a> Tree<'a> {
    /// An empty folder for so many flow logs.
    pub(super) fn new(
        directory: &'a Path,
        compressed: bool,
        seconds: u64,
        header: Vec<u8>,
        flow_logs: usize,
    ) -> Self {
        let open = (0..flow_logs).map(|_| None).collect();
        Self { directory, compressed, seconds, header, open }
    }

    fn sheet(&mut self, number: usize, vpc: &Vpc, at: u64) -> Result<(&mut Sheet<Out>, u64), Error> {
        let begin = at - at % self.seconds;
        let mut bytes = 0;
        if self.open[number].as_ref().is_some_and(|(of, _)| *of != begin) {
            bytes = self.close(number)?;
        }
        let slot = &mut self.open[number];
        if slot.is_none() {
            let path = path(self.directory, vpc, begin, self.compressed);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let out = if self.compressed {
                Out::Gzip(Box::new(gzip(&path, Compression::fast())?))
            } else {
                Out::Plain(BufWriter::new(File::create(path)?))
            };
            *slot = Some((begin, Sheet::new(out, &self.header)));
        }
        match slot {
            Some((_, sheet)) => Ok((sheet, bytes)),
            None => Err(Error::Write(io::ErrorKind::NotFound.into())),
        }
    }

    fn close(&mut self, number: usize) -> Result<u64, Error> {
        let Some((_, mut sheet)) = self.open[number].take() else { return Ok(0) };
        let written = sheet.write(0)?;
        match sheet.out {
            Out::Plain(mut file) => file.flush()?,
            Out::Gzip(file) => file.finish()?.flush()?,
        }
        Ok(written)
    }
}

impl Sheets<'_> {
    /// Appends one line, made by `line`, of the flow log of VPC number `number`, delivered at `at`. Returns bytes written.
    pub(super) fn line(
        &mut self,
        number: usize,
        vpc: &Vpc,
        at: u64,
        line: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, Error> {
        match self {
            Self::Stream(sheet) => {
                line(&mut sheet.lines);
                Ok(sheet.write(BUFFER_BYTES)?)
            }
            Self::Tree(tree) => {
                let (sheet, closed) = tree.sheet(number, vpc, at)?;
                line(&mut sheet.lines);
                Ok(closed + sheet.write(BUFFER_BYTES)?)
            }
        }
    }

    /// Writes what is left. Returns bytes written.
    pub(super) fn finish(&mut self) -> Result<u64, Error> {
        match self {
            Self::Stream(sheet) => Ok(sheet.write(0)?),
            Self::Tree(tree) => (0..tree.open.len()).map(|number| tree.close(number)).sum(),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(file) => file.flush(),
        }
    }
}

/// `AWSLogs/<account>/vpcflowlogs/<region>/<yyyy>/<mm>/<dd>/<account>_vpcflowlogs_<region>_<fl-id>_<time>_<hash>.log.gz`.
fn path(directory: &Path, vpc: &Vpc, begin: u64, compressed: bool) -> PathBuf {
    let Vpc { account, region, flow_log, .. } = vpc;
    let when = moment(begin);
    let day = when.strftime("%Y/%m/%d");
    let hash = scramble(begin ^ vpc.six as u64 ^ u64::from(vpc.four) ^ (vpc.six >> 64) as u64) as u32;
    let time = when.strftime("%Y%m%dT%H%MZ");
    let suffix = if compressed { "log.gz" } else { "log" };
    directory.join(format!(
        "AWSLogs/{account}/vpcflowlogs/{region}/{day}/{account}_vpcflowlogs_{region}_{flow_log}_{time}_{hash:08x}.{suffix}"
    ))
}
