// Tables of spreadsheets: CSV (RFC 4180), as Excel and LibreOffice write it in English and Portuguese.

/** The text of a file: UTF-8, or else what Excel writes on Windows. */
export function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** The one of `,`, `;` and tab that the first line has most often. */
function delimiterOf(text) {
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const count = (character) => first.split(character).length;
  return [",", ";", "\t"].reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** The rows of a table, each `{ line, cells }`; empty lines are left out. */
export function rowsOf(text) {
  const delimiter = delimiterOf(text);
  const rows = [];
  let line = 1;
  let row = { line, cells: [] };
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    row.cells.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.cells.some((one) => one !== "")) rows.push(row);
    row = { line, cells: [] };
  };
  for (let at = text.startsWith("\ufeff") ? 1 : 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\n") line += 1;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else isQuoted = false;
    } else if (character === '"' && cell === "") isQuoted = true;
    else if (character === delimiter) endCell();
    else if (character === "\n") endRow();
    else if (character !== "\r" || text[at + 1] !== "\n") cell += character;
  }
  endRow();
  return { delimiter, rows };
}

/** A table's text. The byte order mark has Excel read it as UTF-8. */
export function tableOf(rows, delimiter) {
  const quoted = (cell) =>
    /[\r\n"]/.test(cell) || cell.includes(delimiter) || cell !== cell.trim()
      ? `"${cell.replaceAll('"', '""')}"`
      : cell;
  return `\ufeff${rows.map((cells) => `${cells.map(quoted).join(delimiter)}\r\n`).join("")}`;
}
