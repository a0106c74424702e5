// Tokens lie in memory as they are multiplied.

alias Stored = Piece;

fn toPiece(stored: Stored) -> Piece {
  return stored;
}
