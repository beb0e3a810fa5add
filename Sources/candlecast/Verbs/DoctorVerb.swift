import Operations

struct DoctorVerb: Verb {
  let name = "doctor"
  let summary = "looks whether everything needed is there, and says what to do if not"
  let options = [Option.roles]
  let examples = [
    Example("candlecast doctor", "this machine, this configuration"),
    Example("candlecast doctor --store duckdb:/data/bitcoin.duckdb --json", "another store, for a program"),
    Example("candlecast doctor --roles ingest", "Redis or Kinesis too, which stands between roles"),
  ]

  let isLogged = false

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let findings = Diagnosis.all(context)
    context.output.present(.array(findings.map(Self.json))) {
      findings.map(Self.line).joined(separator: "\n")
    }
    return findings.contains { $0.state == .missing } ? .unreachable : .done
  }

  private static func line(_ finding: Finding) -> String {
    let mark =
      switch finding.state {
      case .fine: "ok      "
      case .warning: "warning "
      case .missing: "missing "
      }
    let subject = finding.subject + String(repeating: " ", count: max(0, 14 - finding.subject.count))
    return mark + subject + finding.fact + (finding.remedy.map { "\n" + String(repeating: " ", count: 22) + $0 } ?? "")
  }

  private static func json(_ finding: Finding) -> JSONValue {
    [
      "subject": .text(finding.subject), "state": .text("\(finding.state)"), "fact": .text(finding.fact),
      "remedy": JSONValue(finding.remedy),
    ]
  }
}
