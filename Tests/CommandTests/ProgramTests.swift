import FoundationEssentials
import Operations
import Synchronization
import Testing

@testable import candlecast

struct ProgramTests {
  private struct Result {
    let code: ExitCode
    let output: String
    let error: String
  }

  private func run(_ words: String..., environment: [String: String] = [:]) -> Result {
    let output = Mutex("")
    let error = Mutex("")
    let program = Program(
      environment: environment, output: { text in output.withLock { $0 += text } },
      error: { text in error.withLock { $0 += text } })
    let code = program.run(words)
    return Result(code: code, output: output.withLock { $0 }, error: error.withLock { $0 })
  }

  @Test func `without a verb it shows all verbs and is wrong usage`() {
    let result = run()
    #expect(result.code == .wrongUsage)
    for verb in Verbs.all { #expect(result.output.contains(verb.name)) }
  }

  @Test func `help and version are results`() {
    #expect(run("--help").code == .done)
    #expect(run("--version").output == "candlecast \(Help.version)\n")
    #expect(run("train", "--version").output == "candlecast \(Help.version)\n")
    #expect(run("train", "--help").output == run("help", "train").output)
  }

  @Test func `a mistake is one line on the error stream and exit code 2`() {
    let result = run("trian")
    #expect(result.code == .wrongUsage)
    #expect(result.output.isEmpty)
    #expect(
      result.error
        == "candlecast: there is no verb \"trian\"; did you mean train? (`candlecast help` lists all verbs)\n")
  }

  @Test func `a configuration that is not there is wrong usage`() {
    let result = run("config", "--config", "/no/such.yaml")
    #expect(result.code == .wrongUsage)
    #expect(result.error.contains("/no/such.yaml: there is no such file"))
  }

  @Test func `config shows values, sources and no secret`() throws {
    let environment = ["DB_PASSWORD": "correct horse", "FEATURE_DB_PATH": "a.duckdb"]
    let text = run("config", environment: environment)
    #expect(text.code == .done)
    #expect(text.output.contains("duckdb:a.duckdb") && text.output.contains("$FEATURE_DB_PATH"))
    #expect(!text.output.contains("correct horse"))
    let json = run("config", "--json", environment: environment)
    #expect(!json.output.contains("correct horse"))
    struct Row: Decodable {
      let key: String
      let source: String
    }
    let rows = try JSONDecoder().decode([Row].self, from: Data(json.output.utf8))
    #expect(rows.map(\.key) == KnobTable.all.map(\.key))
    #expect(rows.first?.source == "$FEATURE_DB_PATH")
  }

  @Test func `doctor names what is missing and what to do, and ends with 4`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "candlecast-doctor-\(UUID().uuidString)").path
    let result = run("doctor", environment: ["CANDLECAST_CACHE": folder])
    #expect(result.code == .unreachable)
    #expect(result.output.contains("\(folder)/xgboost/xgboost/lib/libxgboost.so is not there"))
    #expect(result.output.contains("run `make setup`"))
  }

  @Test func `a table lines up and has no trailing blanks`() {
    var table = Table([("name", .left), ("n", .right)])
    table.add("a", "10")
    table.add("longer", "9")
    #expect(table.text == "name     n\na       10\nlonger   9")
  }
}
