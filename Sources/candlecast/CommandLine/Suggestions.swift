import Operations

enum Suggestions {
  /// Words that other tools use for what a verb does.
  private static let synonyms = [
    "ingest": "import", "load": "import", "fit": "train", "retrain": "train", "test": "evaluate", "score": "evaluate",
    "backtest": "replay", "versions": "models", "registry": "models", "check": "doctor", "settings": "config",
    "dump": "export", "inference": "predict", "database": "db", "backup": "db", "restore": "db", "migrate": "db",
  ]

  static func verb(_ name: String) -> String? {
    synonyms[name] ?? Suggestion.nearest(to: name, among: Verbs.all.map(\.name))
  }

  static func option(_ name: String, of verb: any Verb) -> String? {
    Suggestion.nearest(to: name, among: verb.allOptions.flatMap { [$0.name] + [$0.short].compactMap(\.self) })
  }
}
