/** The same colours as on the page. */
export const STYLE = `
svg { --ground: #fff; --box: #fafbfc; --inside: #f4f5f7; --text: #1a1f29; --muted: #5b6473; --line: #8a92a0; --border: #b4bac5;
  --online: #16a34a; --waiting: #e08b00; --busy: #2f6fec; --resting: #9aa3b2 }
@media (prefers-color-scheme: dark) { svg { --ground: #171b22; --box: #1c212a; --inside: #12161c; --text: #e7eaf0; --muted: #9ba5b5;
  --line: #7b8595; --border: #4a5362; --online: #2fb866; --waiting: #f0a020; --busy: #5a92ff; --resting: #707a8a } }
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; fill: var(--text) }
.ground { fill: var(--ground) }
.box { fill: var(--box); stroke: var(--border); stroke-width: 1.4 }
.compound { fill: var(--inside) }
.online .box { stroke: var(--online) } .online .mark { fill: var(--online) }
.waiting .box { stroke: var(--waiting) } .waiting .mark { fill: var(--waiting) }
.busy .box { stroke: var(--busy) } .busy .mark { fill: var(--busy) }
.resting .box { stroke: var(--resting) } .resting .mark { fill: var(--resting) }
.initial { fill: var(--text) }
.name { font-size: 14.5px; font-weight: 600 }
.heading { font-size: 11px; font-weight: 600; fill: var(--muted) }
.small, .tag-text { font: 10.5px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: var(--muted); white-space: pre }
.tag, .anywhere { fill: none; stroke: var(--border) }
.anywhere { stroke-dasharray: 3 4 }
.tag-text { font-size: 9.5px; text-anchor: middle }
.more { text-anchor: end }
.choice { fill: var(--inside); stroke: var(--border) }
.choice-text { font-size: 11px; text-anchor: middle; fill: var(--muted) }
.line { fill: none; stroke: var(--line); stroke-width: 1.2 }
.head { fill: var(--line) }
.label { fill: var(--text); stroke: var(--ground); stroke-width: 3px; paint-order: stroke }
`
