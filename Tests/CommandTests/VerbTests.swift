import Operations
import Testing

@testable import candlecast

struct VerbTests {
  private func verb(_ name: String) throws -> any Verb {
    try Verbs.split(name.split(separator: " ").map(String.init)).verb
  }

  @Test(arguments: Verbs.leaves.map(\.name))
  func `has help with examples that can be run as they stand`(name: String) throws {
    let verb = try verb(name)
    #expect(!verb.examples.isEmpty)
    for example in verb.examples {
      let words = example.command.split(separator: " ").map(String.init)
      let (found, rest) = try Verbs.split(Array(words.dropFirst()))
      #expect(words.first == "candlecast" && found.name == name)
      _ = try ArgumentParser.parse(rest, for: verb)
    }
    let page = Help.page(of: verb)
    for option in verb.allOptions { #expect(page.contains(option.name)) }
    #expect(page.split(separator: "\n").allSatisfy { $0.count <= 130 }, "\(name): a line is too long")
  }

  @Test(arguments: Verbs.leaves.map(\.name))
  func `takes the common options and names none twice`(name: String) throws {
    let verb = try verb(name)
    let names = verb.allOptions.map(\.name)
    #expect(Set(names).count == names.count)
    for common in ["--json", "--config", "--store", "--models", "--venue", "--symbol", "--help", "--version"] {
      #expect(names.contains(common))
    }
  }

  @Test(arguments: ["export", "train", "evaluate", "predict", "replay", "explain", "models", "audit"])
  func `what reads or writes a version takes target and view`(name: String) throws {
    let names = try Verbs.named(name).options.map(\.name)
    #expect(names.contains("--target") && names.contains("--view"))
  }

  @Test(arguments: ["features", "train", "evaluate", "export"])
  func `what reads the past can read it as it was known`(name: String) throws {
    #expect(try Verbs.named(name).options.contains { $0.name == "--as-of" })
  }

  @Test func `every option's knob is in the table`() {
    let keys = Set(KnobTable.all.map(\.key))
    for verb in Verbs.leaves {
      for option in verb.allOptions { #expect(option.knob.map(keys.contains) != false, "\(option.name)") }
    }
  }
}
