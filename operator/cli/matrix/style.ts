/** The look of the page, on a screen, light or dark, and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --line: #d0d7de; --soft: #f6f8fa; --dim: #57606a; --page: #ffffff; --text: #1f2328;
  --read: #ddf4e4; --read-text: #0f5323; --write: #fff1cc; --write-text: #6a4a00; --delete: #ffe0dc; --delete-text: #8a1a10;
  --none: #eaeef2; --none-text: #424a53; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #161b22; --dim: #9da7b1; --page: #0d1117;
  --text: #e6edf3; --read: #12361f; --read-text: #7ee2a0; --write: #3d2f05; --write-text: #f0cd6b; --delete: #4a1713;
  --delete-text: #ffb3a8; --none: #262c34; --none-text: #b6bfc9; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1.5rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
header p, .legend { color: var(--dim); margin: .25rem 0; max-width: 75ch; }
.legend { margin-top: 1rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .55rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  border-right: 1px solid var(--line); overflow-wrap: anywhere; min-width: 9rem; }
tr > :last-child { border-right: 0; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; background: var(--soft); }
tbody th.expression { font: 13px/1.45 ui-monospace, monospace; }
.verbs { display: flex; flex-wrap: wrap; gap: .25rem; }
.verb { display: inline-block; border-radius: 4px; padding: 0 .4rem; font: 12.5px/1.6 ui-monospace, monospace;
  background: var(--none); color: var(--none-text); }
.read { background: var(--read); color: var(--read-text); }
.write { background: var(--write); color: var(--write-text); }
.delete { background: var(--delete); color: var(--delete-text); }
.unknown { outline: 1px dashed currentColor; outline-offset: -1px; }
.role, .from, .remark { color: var(--dim); font-size: .85em; font-weight: 400; font-family: system-ui, sans-serif; }
.from.hand, .from.left, .remark { color: var(--write-text); }
.denied { color: var(--dim); font-style: italic; }
.empty { background: repeating-linear-gradient(135deg, transparent 0 6px, var(--soft) 6px 12px); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media print { body { margin: 0; max-width: none; } .scroll { overflow: visible; } tr { break-inside: avoid; }
  .verb { border: 1px solid; print-color-adjust: exact; } }
`;
