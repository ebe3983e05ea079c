import { describe, expect, it } from '@jest/globals'
import { fillIn, readForms } from '../../../../../gateway/local/demo/forms.ts'
import { decode, readTags, textOf } from '../../../../../gateway/local/demo/markup.ts'

const formsOf = (html: string) => readForms(readTags(html))
function formOf(html: string) {
  const [form] = formsOf(html)
  if (!form) throw new Error('no form')
  return form
}
const sent = (html: string, entry = {}) => fillIn(formOf(html), entry).entries.toString()

describe('reading HTML', () => {
  it('decodes entities and keeps what only looks like one', () => {
    expect(decode('&lt;&amp;&#39;&#x41;&quot;&nbsp;&unknown; &')).toBe('<&\'A"\u00a0&unknown; &')
    expect(decode('&#1114112;')).toBe('\ufffd')
  })

  it('finds attributes however they are quoted, the first of a name', () => {
    const [tag] = readTags(`<INPUT a="x > y" B='2' c=3 checked d = "4" a="5"/>`)
    expect(tag?.attributes).toEqual({ a: 'x > y', b: '2', c: '3', checked: '', d: '4' })
  })

  it('sees no form in comments and scripts', () => {
    const html =
      '<!-- <form id=a></form> --><script>"<form id=b></form>"</script><form id=c></form>'
    expect(formsOf(html).map(form => form.id)).toEqual(['c'])
  })

  it('collects the text of an element with what is nested in it', () => {
    const tags = readTags('<p>a</p><h1>Allow <bdi>Demo &amp; Co</bdi>\n <b>now</b></h1><p>b</p>')
    expect(textOf(tags, tag => tag.name === 'h1')).toBe('Allow Demo & Co now')
    expect(textOf(tags, tag => tag.name === 'h2')).toBeUndefined()
  })
})

describe('a form', () => {
  it('sends what a browser would send: hidden and filled fields, ticked boxes, the chosen option', () => {
    const html = `<form method=post>
      <input type=hidden name=csrf value="a&amp;b"><input name=empty><input value=nameless>
      <input type=checkbox name=off value=1><input type=checkbox name=on checked>
      <input type=radio name=r value=1><input type=radio name=r value=2 checked>
      <input name=disabled value=x disabled><textarea name=t>two
lines</textarea>
      <select name=s><option value=1>One<option value=2 selected>Two</select>
      <select name=plain><option>First</option><option>Second</option></select>
      <input type=button name=b value=b><button type=submit name=go value=yes>Go</button></form>`
    expect(sent(html)).toBe(
      new URLSearchParams([
        ['csrf', 'a&b'],
        ['empty', ''],
        ['on', 'on'],
        ['r', '2'],
        ['t', 'two\nlines'],
        ['s', '2'],
        ['plain', 'First'],
        ['go', 'yes'],
      ]).toString(),
    )
  })

  it('sends the button that is pressed and no other', () => {
    const html =
      '<form><button name=d value=approve>Yes</button><button name=d value=deny>No</button></form>'
    expect(sent(html, { press: { name: 'd', value: 'deny' } })).toBe('d=deny')
    expect(() => sent(html, { press: { name: 'd', value: 'maybe' } })).toThrow('no button d=maybe')
  })

  it('takes values for fields that are there, and options that are offered', () => {
    const html =
      '<form><input name=a><select name=s><option value=1><option value=2></select></form>'
    expect(sent(html, { fields: { a: 'x', s: '2' } })).toBe('a=x&s=2')
    expect(() => sent(html, { fields: { b: '' } })).toThrow('no field “b”')
    expect(() => sent(html, { fields: { s: '3' } })).toThrow('does not offer “3”')
  })

  it('ticks a box and changes a radio button', () => {
    const html =
      '<form><input type=checkbox name=c value=yes><input type=radio name=r value=1 checked><input type=radio name=r value=2></form>'
    expect(sent(html, { fields: { c: 'yes', r: '2' } })).toBe('c=yes&r=2')
  })

  it('knows controls outside it that name it, and a button with an address of its own', () => {
    const html =
      '<form id=f action=/a></form><input name=x value=1 form=f><button form=f formaction=/b name=go>Go</button>'
    const { action, entries } = fillIn(formOf(html), { press: { name: 'go' } })
    expect([action, entries.toString()]).toEqual(['/b', 'x=1&go='])
  })
})
