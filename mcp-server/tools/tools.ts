import { addToListTool } from './add-to-list.ts'
import { getCompany } from './get-company.ts'
import { listSavedLists } from './list-saved-lists.ts'
import { searchCompaniesTool } from './search-companies.ts'
import type { Tool } from './tool.ts'
import { whoami } from './whoami.ts'

/** Every tool of the server, in the order in which clients see them. */
export const tools: readonly Tool[] = [
  whoami,
  searchCompaniesTool,
  getCompany,
  listSavedLists,
  addToListTool,
]
