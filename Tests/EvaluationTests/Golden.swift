import FoundationEssentials

/// Reads the files that `Scripts/golden/make_metrics.py` writes.
func golden<Content: Decodable>(_ name: String, as type: Content.Type = Content.self, file: String = #filePath) throws
  -> Content
{
  let folder = file.prefix(upTo: file.lastIndex(of: "/") ?? file.startIndex)
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(type, from: Data(contentsOf: URL(filePath: "\(folder)/Fixtures/\(name).json")))
}
