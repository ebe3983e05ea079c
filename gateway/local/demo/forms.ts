import type { Tag } from './markup.ts'

/** A field as the page shows it, with what it holds when nothing is touched. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly value: string
  /** Whether it is sent when nothing is touched: not so an unticked box. */
  readonly successful: boolean
  /** The values a `<select>` or a group of radio buttons offers. */
  readonly options: readonly string[]
}

export interface Button {
  readonly name: string
  readonly value: string
  readonly label: string
  readonly formaction: string | undefined
}

export interface Form {
  readonly id: string | undefined
  readonly method: 'get' | 'post'
  /** As written; relative to the page. Empty is the page itself. */
  readonly action: string
  readonly fields: readonly Field[]
  readonly buttons: readonly Button[]
}

interface Draft extends Form {
  readonly fields: Field[]
  readonly buttons: Button[]
}

/** The forms of a page, in order, with controls that belong to them by nesting or by `form=`. */
export function readForms(tags: readonly Tag[]): readonly Form[] {
  const forms = tags.filter(tag => tag.name === 'form').map(draft)
  let current = -1
  let open: Draft | undefined
  tags.forEach((tag, index) => {
    if (tag.name === 'form') open = forms[++current]
    else if (tag.name === '/form') open = undefined
    else {
      const { form: id, disabled } = tag.attributes
      const owner = id === undefined ? open : forms.find(form => form.id === id)
      if (owner && disabled === undefined) addControl(owner, tag, tags.slice(index))
    }
  })
  return forms
}

function draft({ attributes }: Tag): Draft {
  const method = attributes['method']?.toLowerCase() === 'post' ? 'post' : 'get'
  return {
    id: attributes['id'],
    method,
    action: attributes['action'] ?? '',
    fields: [],
    buttons: [],
  }
}

function addControl(form: Draft, tag: Tag, rest: readonly Tag[]): void {
  const { name = '', value, formaction } = tag.attributes
  const type = tag.attributes['type']?.toLowerCase() ?? (tag.name === 'button' ? 'submit' : 'text')
  if (tag.name === 'button' || (tag.name === 'input' && (type === 'submit' || type === 'image'))) {
    const label = tag.name === 'button' ? inside(rest, 'button') : (value ?? 'Submit')
    if (type !== 'button' && type !== 'reset')
      form.buttons.push({ name, value: value ?? '', label, formaction })
  } else if (name === '' || type === 'button' || type === 'reset') return
  else if (tag.name === 'select') form.fields.push(select(name, rest))
  else if (tag.name === 'textarea')
    form.fields.push({ name, type: 'textarea', value: tag.text, successful: true, options: [] })
  else if (tag.name === 'input') form.fields.push(input(name, type, tag))
}

function input(name: string, type: string, { attributes }: Tag): Field {
  const box = type === 'checkbox' || type === 'radio'
  const value = attributes['value'] ?? (box ? 'on' : '')
  const successful = !box || attributes['checked'] !== undefined
  return { name, type, value, successful, options: box ? [value] : [] }
}

function select(name: string, rest: readonly Tag[]): Field {
  const end = rest.findIndex(tag => tag.name === '/select')
  const options = rest.slice(0, end < 0 ? undefined : end).filter(tag => tag.name === 'option')
  const valueOf = (tag: Tag) => tag.attributes['value'] ?? tag.text.trim()
  const usable = options.filter(tag => tag.attributes['disabled'] === undefined)
  const chosen = options.find(tag => tag.attributes['selected'] !== undefined) ?? usable[0]
  return {
    name,
    type: 'select',
    value: chosen ? valueOf(chosen) : '',
    successful: chosen !== undefined && usable.includes(chosen),
    options: usable.map(valueOf),
  }
}

function inside(rest: readonly Tag[], name: string): string {
  const end = rest.findIndex(tag => tag.name === `/${name}`)
  const pieces = rest.slice(0, end < 0 ? 1 : end).map(tag => tag.text)
  return pieces.join('').replace(/\s+/g, ' ').trim()
}

/** What a person does with a form: values by field name, and the button that is pressed. */
export interface Entry {
  readonly fields?: Readonly<Record<string, string>>
  /** The button with this name and value; nothing is the form's first one. */
  readonly press?: { readonly name: string; readonly value?: string }
}

/**
 * The pairs a browser would send (HTML 4.10.21.4), and where to.
 * Throws when the form has no such field, option or button: a person could not do that either.
 */
export function fillIn(
  form: Form,
  { fields = {}, press }: Entry,
): { action: string; entries: URLSearchParams } {
  const entries = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) {
    const named = form.fields.filter(field => field.name === name)
    const offered = named.some(field => field.options.length === 0 || field.options.includes(value))
    if (named.length === 0)
      throw new Error(`the form has no field “${name}”, only ${list(form.fields)}`)
    if (!offered) throw new Error(`the field “${name}” does not offer “${value}”`)
  }
  for (const field of form.fields) {
    const given = Object.hasOwn(fields, field.name) ? fields[field.name] : undefined
    const box = field.type === 'checkbox' || field.type === 'radio'
    if (given === undefined ? field.successful : !box || field.value === given)
      entries.append(field.name, given ?? field.value)
  }
  const button = press
    ? form.buttons.find(
        ({ name, value }) => name === press.name && value === (press.value ?? value),
      )
    : form.buttons[0]
  if (press && !button)
    throw new Error(
      `the form has no button ${press.name}=${press.value ?? ''}, only ${list(form.buttons)}`,
    )
  if (button?.name) entries.append(button.name, button.value)
  return { action: button?.formaction ?? form.action, entries }
}

function list(items: readonly { readonly name: string; readonly value: string }[]): string {
  return items.map(({ name }) => name).join(', ') || 'none'
}
