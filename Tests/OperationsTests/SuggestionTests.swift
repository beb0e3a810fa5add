import Operations
import Testing

struct SuggestionTests {
  @Test(arguments: [
    ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("ab", "ba", 1), ("same", "same", 0),
    ("trian", "train", 1),
  ])
  func `counts edits, a swap as one`(a: String, b: String, distance: Int) {
    #expect(Suggestion.distance(Array(a.utf8), Array(b.utf8)) == distance)
  }

  @Test func `suggests the nearest and nothing for what is far`() {
    #expect(Suggestion.nearest(to: "stauts", among: ["gaps", "status", "export"]) == "status")
    #expect(Suggestion.nearest(to: "weather", among: ["gaps", "status", "export"]) == nil)
    #expect(Suggestion.nearest(to: "x", among: []) == nil)
  }
}
