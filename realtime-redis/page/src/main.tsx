import './app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { createApi, findApi } from './api.ts'

const root = createRoot(document.querySelector('#root')!)
const api = createApi(await findApi())
root.render(
  <StrictMode>
    <App api={api} />
  </StrictMode>,
)
