import { expect } from '@jest/globals'
import type { Page } from 'playwright-core'

const most_stops = 25

/**
 * Goes with Tab to the element that `selector` finds, as somebody without a mouse does. Fails when it
 * is not reached, or when a stop on the way does not show that it has the focus.
 */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let stop = 0; stop < most_stops; stop += 1) {
    await page.keyboard.press('Tab')
    const focused = page.locator(':focus')
    expect(await focused.evaluate(outlineOf)).toEqual({ style: 'solid', width: 3, seen: true })
    if ((await page.locator(`${selector}:focus`).count()) === 1) return
  }
  throw new Error(`Tab does not reach ${selector} in ${most_stops} stops`)
}

interface Styled {
  getBoundingClientRect(): { readonly height: number }
  readonly ownerDocument: {
    readonly defaultView: {
      getComputedStyle(element: object): { outlineStyle: string; outlineWidth: string }
    }
  }
}

/** Runs in the browser. */
function outlineOf(element: unknown) {
  const styled = element as Styled
  const { outlineStyle, outlineWidth } = styled.ownerDocument.defaultView.getComputedStyle(styled)
  return {
    style: outlineStyle,
    width: Number.parseFloat(outlineWidth),
    seen: styled.getBoundingClientRect().height > 0,
  }
}
